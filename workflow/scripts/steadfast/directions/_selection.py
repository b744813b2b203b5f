"""Choice of the layer and position: by index, by fraction of the depth, or by held-out separation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.activations import Activations, ClassActivations
from steadfast.directions import GRID_COLUMNS
from steadfast.errors import ConfigError, DataError

FINAL_NORM = "final_norm"
SEPARATION_NAMES = ("auto", "separation")
LayerSetting = int | float | str
PositionSetting = int | Literal["auto"]
# finds unit rows [k, hidden] in the states [prompts, hidden] of both classes
Finder = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Choice:
    """The chosen place.

    Attributes:
        layer: a block's index, or ``final_norm``.
        position: token position counted from the end.
        score: held-out separation at that place.
        grid: the whole selection grid, with the columns ``GRID_COLUMNS``.
    """

    layer: int | str
    position: int
    score: float
    grid: pd.DataFrame


def check_layer(layer: LayerSetting) -> None:
    """Check a ``layer`` setting as far as possible without a model.

    Raises:
        ConfigError: neither an integer, a fraction in (0, 1) nor a known name.
    """
    allowed = "an index (integer), a fraction of the depth between 0 and 1 (0.6), auto, separation or final_norm"
    if isinstance(layer, bool) or not isinstance(layer, int | float | str):
        raise ConfigError(f"layer: {layer!r} is not {allowed}")
    if isinstance(layer, str) and layer not in (*SEPARATION_NAMES, FINAL_NORM):
        raise ConfigError(f"layer: {layer!r} is not {allowed}")
    if isinstance(layer, float) and not 0 < layer < 1:
        raise ConfigError(f"layer: the fraction {layer} is not between 0 and 1; an index is written without a point")


def check_position(position: PositionSetting) -> None:
    """Check a ``position`` setting.

    Raises:
        ConfigError: neither a negative integer nor ``auto``.
    """
    if position != "auto" and (isinstance(position, bool) or not isinstance(position, int) or position >= 0):
        raise ConfigError(f"position: {position!r} is not a negative integer (-1 is the last token) or auto")


def resolve_layer(layer: int | float, depth: int) -> int:
    """Block index of a ``layer`` setting: ``floor(fraction * depth)``, or the index itself.

    Negative indices count from the last block.

    Raises:
        ConfigError: the index is outside of the model; the message names its depth.
    """
    # the fraction of 0.1 * 30 is 3, though its floating-point product is a little less
    index = int(np.floor(layer * depth + 1e-9)) if isinstance(layer, float) else layer
    if not -depth <= index < depth:
        raise ConfigError(f"layer: {layer} is outside of the model, which has {depth} blocks (0 to {depth - 1})")
    return index % depth


def choose(
    activations: Activations, finder: Finder, *, layer: LayerSetting, position: PositionSetting, seed: int
) -> Choice:
    """Score every layer and position by held-out separation and choose by the settings.

    Half of each class's prompts (drawn with ``seed``) fit the direction, the other half scores it; with
    a fixed layer and position the scores are reported but choose nothing.

    Raises:
        ConfigError: the layer is outside of the model.
        DataError: the position was not extracted, or a class has fewer than four prompts.
    """
    grid = separation_grid(activations, finder, seed)
    candidates = np.ones(len(grid), dtype=bool)
    if layer in SEPARATION_NAMES:
        candidates &= (grid["layer"] != FINAL_NORM).to_numpy()
    else:
        place = FINAL_NORM if isinstance(layer, str) else str(resolve_layer(layer, activations.depth))
        candidates &= (grid["layer"] == place).to_numpy()
    if position != "auto":
        activations.position_index(position)
        candidates &= (grid["position"] == position).to_numpy()
    row = int(grid["separation"].where(candidates, -np.inf).to_numpy().argmax())
    grid["selected"] = np.arange(len(grid)) == row
    found = str(grid["layer"].iloc[row])
    return Choice(
        FINAL_NORM if found == FINAL_NORM else int(found),
        int(grid["position"].iloc[row]),
        float(grid["separation"].iloc[row]),
        grid,
    )


def separation_grid(activations: Activations, finder: Finder, seed: int) -> pd.DataFrame:
    """Held-out separation for every position, block and the final norm.

    Returns:
        A table with the columns ``GRID_COLUMNS``; ``layer`` is text, for ``final_norm`` is one of them.
    """
    generator = np.random.default_rng(seed)
    harmful_fit, harmful_rest = halves(activations.harmful, generator)
    harmless_fit, harmless_rest = halves(activations.harmless, generator)
    rows: list[dict[str, Any]] = []
    layers: Sequence[int | str] = [*range(activations.depth), FINAL_NORM]
    for index, position in enumerate(activations.positions):
        for layer in layers:
            fit = harmful_fit.at(layer, index), harmless_fit.at(layer, index)
            rest = harmful_rest.at(layer, index), harmless_rest.at(layer, index)
            rows.append({"layer": str(layer), "position": position, **held_out_scores(finder, fit, rest)})
    return pd.DataFrame(rows).assign(selected=False)[GRID_COLUMNS]


def held_out_scores(
    finder: Finder,
    fit: tuple[NDArray[np.float64], NDArray[np.float64]],
    rest: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> dict[str, float]:
    """Separation of held-out states along the first direction that the fitting states give.

    ``separation`` is the sensitivity index d′: difference of the classes' mean projections over the root
    mean of their variances. ``accuracy`` is balanced, with the threshold halfway between the fitting
    classes' means. States that do not differ at all have separation 0.
    """
    difference_norm = float(np.linalg.norm(fit[0].mean(axis=0) - fit[1].mean(axis=0)))
    if difference_norm == 0:
        return {"separation": 0.0, "accuracy": 0.5, "area_under_curve": 0.5, "difference_norm": 0.0}
    direction = finder(*fit)[0]
    harmful, harmless = (states @ direction for states in rest)
    threshold = float(sum((states @ direction).mean() for states in fit) / 2)
    spread = np.sqrt((harmful.var(ddof=1) + harmless.var(ddof=1)) / 2)
    gap = harmful.mean() - harmless.mean()
    return {
        "separation": float(gap / spread) if spread > 0 else float(np.sign(gap) * np.finfo(np.float32).max),
        "accuracy": float(((harmful > threshold).mean() + (harmless <= threshold).mean()) / 2),
        "area_under_curve": area_under_curve(harmful, harmless),
        "difference_norm": difference_norm,
    }


def area_under_curve(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Probability that a positive value exceeds a negative one, ties counting half."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    up_to = np.searchsorted(ordered, positive, side="right")
    return float((below + up_to).mean() / (2 * len(ordered)))


def halves(group: ClassActivations, generator: np.random.Generator) -> tuple[ClassActivations, ClassActivations]:
    """A seeded split of a class's prompts into a fitting half and a held-out half.

    Raises:
        DataError: fewer than four prompts, so that a half has no variance.
    """
    if len(group) < 4:
        raise DataError(f"a class has {len(group)} calibration prompt(s); at least 4 are needed to hold out half")
    order = generator.permutation(len(group))
    middle = (len(group) + 1) // 2
    return group.subset(np.sort(order[:middle])), group.subset(np.sort(order[middle:]))
