"""All figures about the directions of a grid."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from steadfast.analysis.tables.display_names import Labels
from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import Direction
from steadfast.report.figures.directions import draw_projections, draw_selection, draw_separation


@dataclass(frozen=True)
class FoundDirection:
    """A direction, with the activations that it was found in.

    Attributes:
        model: name of the model.
        variant: name of the variant.
        direction: the direction.
        activations: states of the calibration prompts.
    """

    model: str
    variant: str
    direction: Direction
    activations: Activations


def direction_figures(found: Iterable[FoundDirection], labels: Labels | None = None) -> dict[str, Figure]:
    """Draw where the classes part, for every direction of a grid.

    Args:
        found: the directions, one at a time, so that only one model's activations need to be in memory.
        labels: display labels.

    Returns:
        Figures by file name without suffix: ``projections_{model}_{variant}``; ``selection_{model}_{variant}`` where
        several token positions were tried or the choice was causal; and ``separation_{variant}``, one line per model,
        where a place was selected.
    """
    labels = labels or Labels()
    figures: dict[str, Figure] = {}
    grids: dict[str, dict[str, pd.DataFrame]] = {}
    for item in found:
        name = f"{item.model}_{item.variant}"
        figures[f"projections_{name}"] = draw_projections(
            item.activations, item.direction, f"{labels.model(item.model)}, {labels.variant(item.variant)}"
        )
        grid = item.direction.selection
        if grid.empty:
            continue
        grids.setdefault(item.variant, {})[labels.model(item.model)] = grid
        if grid["position"].nunique() > 1 or "bypass" in grid:
            figures[f"selection_{name}"] = draw_selection(grid, _tokens(grid, item.activations))
    return figures | {f"separation_{variant}": draw_separation(models) for variant, models in grids.items()}


def _tokens(grid: pd.DataFrame, activations: Activations) -> list[str]:
    """The template's token at each of the grid's positions, in ascending order of the positions."""
    token_of: Mapping[int, str] = dict(zip(activations.positions, activations.template_tokens, strict=True))
    return [token_of[position] for position in sorted(grid["position"].unique())]
