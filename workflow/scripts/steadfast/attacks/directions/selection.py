"""Selection of the layer and position: by index, by fraction of the depth, or by held-out separation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.attacks.activations import Activations, ClassActivations
from steadfast.attacks.directions import GRID_COLUMNS, resolve_layer
from steadfast.attacks.directions.finders import Finder, States
from steadfast.attacks.directions.logistic_regression import probe_accuracy
from steadfast.attacks.directions.settings import FINAL_NORM
from steadfast.core.errors import DataError

CAUSAL = "causal"
SEPARATION_NAMES = ("auto", "separation")
LayerSetting = int | float | str
PositionSetting = int | Literal["auto"]


@dataclass(frozen=True)
class Halves:
    """A seeded split of each label's prompts: one half fits directions, the other half scores them."""

    harmful_fit: ClassActivations
    harmless_fit: ClassActivations
    harmful_rest: ClassActivations
    harmless_rest: ClassActivations

    @property
    def fit(self) -> tuple[ClassActivations, ClassActivations]:
        """The fitting halves, harmful before harmless."""
        return self.harmful_fit, self.harmless_fit

    @property
    def rest(self) -> tuple[ClassActivations, ClassActivations]:
        """The scoring halves, harmful before harmless."""
        return self.harmful_rest, self.harmless_rest

    @property
    def held_out(self) -> list[str]:
        """Ids of the scoring prompts."""
        return [*self.harmful_rest.prompt_ids, *self.harmless_rest.prompt_ids]


@dataclass(frozen=True)
class SelectedLocation:
    """The selected location.

    Attributes:
        layer: a block's index, or ``final_norm``.
        position: token position counted from the end.
        score: its score.
        grid: the complete selection grid, with the columns ``GRID_COLUMNS``.
    """

    layer: int | str
    position: int
    score: float
    grid: pd.DataFrame


def split_halves(activations: Activations, seed: int) -> Halves:
    """Split both labels.

    Raises:
        DataError: a label has fewer than four prompts, so that a half has no variance.
    """
    generator = np.random.default_rng(seed)
    parts: list[ClassActivations] = []
    for group in (activations.harmful, activations.harmless):
        if len(group) < 4:
            raise DataError(f"a class has {len(group)} calibration prompt(s); at least 4 are needed to hold out half")
        order = generator.permutation(len(group))
        middle = (len(group) + 1) // 2
        parts += [group.subset(np.sort(order[:middle])), group.subset(np.sort(order[middle:]))]
    return Halves(parts[0], parts[2], parts[1], parts[3])


def states_at(group: ClassActivations, layer: int | str, position_index: int) -> States:
    """States of one label at one location."""
    return States(group.at(layer, position_index), group.categories)


def separation_grid(activations: Activations, finder: Finder, halves: Halves) -> pd.DataFrame:
    """Held-out separation, and accuracy of a probe, for every position, block and the final norm.

    Returns:
        A table with the columns ``GRID_COLUMNS`` and one per hyperparameter that the finder tunes; ``layer`` is a
        string, possibly ``final_norm``.
    """
    rows: list[dict[str, Any]] = []
    layers: Sequence[int | str] = [*range(activations.depth), FINAL_NORM]
    for index, position in enumerate(activations.positions):
        for layer in layers:
            fit = states_at(halves.harmful_fit, layer, index), states_at(halves.harmless_fit, layer, index)
            rest = states_at(halves.harmful_rest, layer, index), states_at(halves.harmless_rest, layer, index)
            scores = held_out_scores(finder, fit, rest)
            probe = probe_accuracy((fit[0].values, fit[1].values), (rest[0].values, rest[1].values))
            rows.append({"layer": str(layer), "position": position, **scores, "probe_accuracy": probe})
    table = pd.DataFrame(rows).assign(selected=False)
    return table[[*GRID_COLUMNS, *(column for column in table.columns if column not in GRID_COLUMNS)]]


def candidates(
    grid: pd.DataFrame, activations: Activations, layer: LayerSetting, position: PositionSetting
) -> NDArray[np.bool_]:
    """Rows of a grid that the settings allow; named selection methods allow every block.

    Raises:
        ConfigError: the layer is outside of the model.
        DataError: the position was not extracted.
    """
    if layer == FINAL_NORM:
        allowed = (grid["layer"] == FINAL_NORM).to_numpy(dtype=bool)
    elif isinstance(layer, str):
        allowed = (grid["layer"] != FINAL_NORM).to_numpy(dtype=bool)
    else:
        allowed = (grid["layer"] == str(resolve_layer(layer, activations.depth))).to_numpy(dtype=bool)
    if position != "auto":
        activations.position_index(position)
        allowed = allowed & (grid["position"] == position).to_numpy(dtype=bool)
    return allowed


def choose(grid: pd.DataFrame, scores: NDArray[np.float64]) -> SelectedLocation:
    """The row with the highest score; rows that are not candidates have the score minus infinity."""
    row = int(scores.argmax())
    found = str(grid["layer"].iloc[row])
    layer = FINAL_NORM if found == FINAL_NORM else int(found)
    marked = grid.assign(selected=np.arange(len(grid)) == row)
    return SelectedLocation(layer, int(grid["position"].iloc[row]), float(scores[row]), marked)


def held_out_scores(finder: Finder, fit: tuple[States, States], rest: tuple[States, States]) -> dict[str, Any]:
    """Separation of held-out states along the direction fitted on the other half.

    States are projected on the fitting half's difference of means within the span of the directions, which for one
    direction is the direction itself. ``separation`` is the sensitivity index d′: difference of the labels' mean
    projections over the root mean of their variances. ``accuracy`` is balanced, with the finder's threshold. Identical
    states have separation 0. The scores include the hyperparameters that the finder tuned.
    """
    difference = fit[0].mean() - fit[1].mean()
    scores: dict[str, Any] = {"separation": 0.0, "accuracy": 0.5, "area_under_curve": 0.5}
    scores["difference_norm"] = float(np.linalg.norm(difference))
    if scores["difference_norm"] == 0:
        return scores
    found = finder.find(*fit)
    scores.update(found.tuned)
    within = found.rows.T @ (found.rows @ difference)
    if np.linalg.norm(within) <= 1e-12 * scores["difference_norm"]:
        return scores
    direction = within / np.linalg.norm(within)
    harmful, harmless = (states.values @ direction for states in rest)
    threshold = found.threshold
    if threshold is None or len(found.rows) > 1:
        threshold = float(sum(states.mean() @ direction for states in fit) / 2)
    scores["separation"] = sensitivity(harmful, harmless)
    scores["accuracy"] = float(((harmful > threshold).mean() + (harmless <= threshold).mean()) / 2)
    scores["area_under_curve"] = area_under_curve(harmful, harmless)
    return scores


def sensitivity(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Sensitivity index d′: the difference of two groups' means over the root mean of their variances.

    Groups without variance give the largest float32 number, or 0 if they are equal.
    """
    spread = np.sqrt((positive.var(ddof=1) + negative.var(ddof=1)) / 2)
    gap = positive.mean() - negative.mean()
    return float(gap / spread) if spread > 0 else float(np.sign(gap) * np.finfo(np.float32).max)


def area_under_curve(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Probability that a positive value exceeds a negative one, ties counting half."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    up_to = np.searchsorted(ordered, positive, side="right")
    return float((below + up_to).mean() / (2 * len(ordered)))
