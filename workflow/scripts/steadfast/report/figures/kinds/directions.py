"""Activations along every direction, and where harmful and harmless prompts separate."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.display_names import Labels
from steadfast.report.figures.settings import FigureSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from steadfast.attacks.activations import Activations
    from steadfast.report.figures.projections import FoundDirection

DIRECTIONS = "directions"


class Settings(FigureSettings):
    """Activations along every direction, and the separation of the prompts along the depth of the models."""

    reads_directions: ClassVar[bool] = True
    folder: ClassVar[str] = "directions"


def draw(data: Mapping[str, Any], about: About, settings: Settings) -> "dict[str, Figure]":
    """Figures of every direction."""
    del settings
    return figures(data[DIRECTIONS], about.labels)


def figures(found: "Iterable[FoundDirection]", labels: Labels | None = None) -> "dict[str, Figure]":
    """Draw where harmful and harmless prompts separate, for every direction of a grid.

    Args:
        found: the directions, one at a time, so that only one model's activations need to be in memory.
        labels: display labels.

    Returns:
        Figures by file name without suffix: ``projections_{model}_{variant}``; ``selection_{model}_{variant}`` where
        several token positions were tried or the choice was causal; and ``separation_{variant}``, one line per model,
        where a place was selected.
    """
    from steadfast.report.figures.place_selection import draw_selection
    from steadfast.report.figures.projections import draw_projections, held_out_counts
    from steadfast.report.figures.separation_by_depth import draw_separation

    labels = labels or Labels()
    drawn: dict[str, Figure] = {}
    grids: dict[str, dict[str, pd.DataFrame]] = {}
    prompts: dict[str, dict[str, list[int]]] = {}
    for item in found:
        name = f"{item.model}_{item.variant}"
        shown = f"{labels.model(item.model)}, {labels.variant(item.variant)}"
        drawn[f"projections_{name}"] = draw_projections(item.activations, item.direction, shown)
        grid = item.direction.selection
        if grid.empty:
            continue
        grids.setdefault(item.variant, {})[labels.model(item.model)] = grid
        for label, number in held_out_counts(item.activations, item.direction).items():
            prompts.setdefault(item.variant, {}).setdefault(label, []).append(number)
        if grid["position"].nunique() > 1 or "bypass" in grid:
            drawn[f"selection_{name}"] = draw_selection(grid, _tokens(grid, item.activations), shown)
    return drawn | {
        f"separation_{variant}": draw_separation(models, labels.variant(variant), prompts.get(variant))
        for variant, models in grids.items()
    }


def _tokens(grid: pd.DataFrame, activations: "Activations") -> list[str]:
    """The template's token at each of the grid's positions, in ascending order of the positions."""
    token_of: Mapping[int, str] = dict(zip(activations.positions, activations.template_tokens, strict=True))
    return [token_of[position] for position in sorted(grid["position"].unique())]
