"""Residual separation along a variant's direction: did the edit reach its target?

The states of harmful and harmless evaluation prompts, which were not used to compute the direction, are projected on
the directions that the edit removes: the direction itself, or its component orthogonal to the harmless mean
(``projected`` and ``biprojected``). Other changes are measured along the direction. The difference of the class means
is given in units of the *original's* within-class standard deviation: an edit that removes the direction leaves
projections as small as rounding errors, whose own standard deviation is meaningless.

The states are taken after the direction's block and after all later ones (a block that the edit missed writes the
direction again), and the location with the largest residual share is reported. A direction without a layer is measured
after every block.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.settings import MeasureSettings
from steadfast.attacks.directions import Direction, unit_rows
from steadfast.attacks.edits import build_edit
from steadfast.attacks.edits.projection import ProjectionEdit
from steadfast.attacks.gates import SEPARATION
from steadfast.core.plug_ins import INTERVENTIONS

if TYPE_CHECKING:
    from steadfast.analysis.side_effects.model_under_test import ModelUnderTest

ABOUT = About("separation along the direction", "standard deviations of the original", worse="neither")
LAST = -1
SMALLEST_SHARE = 0.25
"""Locations where the original's separation is below this share of its largest are ignored."""

FloatArray = NDArray[np.float64]


class Settings(MeasureSettings):
    """Residual separation of harmful and harmless prompts along the variant's direction."""

    gate: ClassVar[str] = SEPARATION

    def tokens(self, prompts: float, prompt_tokens: float) -> tuple[float, float]:
        """All prompts."""
        return prompts * prompt_tokens, 0.0


@dataclass(frozen=True)
class EvaluationStates:
    """States of the evaluation prompts.

    Attributes:
        prompt_ids: one per prompt.
        harmful: whether each is harmful.
        positions: token positions, counted from the end.
        blocks: float32 [prompts, positions, layers + 1, hidden]; the last layer is the state after the final norm.
    """

    prompt_ids: list[str]
    harmful: NDArray[np.bool_]
    positions: list[int]
    blocks: NDArray[np.float32]


@dataclass(frozen=True)
class Separation:
    """See the module."""

    def reference(self, original: "ModelUnderTest", variants: "Sequence[ModelUnderTest]") -> EvaluationStates | None:
        """The original's states at all positions of the variants' directions."""
        positions = {model.direction.position or LAST for model in variants if model.direction}
        return states_of(original, sorted(positions)) if positions else None

    def score(self, model: "ModelUnderTest", reference: EvaluationStates | None) -> list[Score]:
        """Projections per prompt; empty without a direction."""
        direction = model.direction
        moved = model.hook is not None and INTERVENTIONS.of(model.hook).Settings.moves_both_classes
        if direction is None or reference is None or moved:
            return []
        position = direction.position or LAST
        before = reference.blocks[:, reference.positions.index(position)]
        after = states_of(model, [position]).blocks[:, 0]
        return separation_scores(direction, before, after, reference.prompt_ids, reference.harmful, model.edit)


def build(_settings: Settings) -> Separation:
    """The measure."""
    return Separation()


def states_of(model: "ModelUnderTest", positions: Sequence[int]) -> EvaluationStates:
    """Residual stream on the evaluation prompts at some positions."""
    from steadfast.attacks.activations.extraction import residual_stream

    prompts = model.prompts()
    ids = [str(prompt_id) for prompt_id in prompts["prompt_id"]]
    blocks, final_norm = residual_stream(
        model.access.model, model.access.encode(ids), positions, model.access.batch_tokens, model.pad_token
    )
    stream = np.concatenate([blocks, final_norm[:, :, None]], axis=2)
    return EvaluationStates(ids, (prompts["label"] == "harmful").to_numpy(), list(positions), stream)


def separation_scores(
    direction: Direction,
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    prompt_ids: Sequence[str],
    harmful: NDArray[np.bool_],
    edit: Mapping[str, Any] | None = None,
) -> list[Score]:
    """Scores whose mean is the separation, of the variant and of the original.

    A prompt's score is its projection in units of the original's within-class standard deviation, signed by its class
    and divided by its class's share, so that the mean over all prompts is the difference of the class means.

    Args:
        direction: the variant's direction; several are treated as their span.
        before: the original's states [prompts, layers + 1, hidden].
        after: the variant's states, of the same shape.
        prompt_ids: one per prompt.
        harmful: whether each is harmful.
        edit: the variant's ``edit`` entry, if it has one.
    """
    best: tuple[float, FloatArray, FloatArray] | None = None
    depth = before.shape[1] - 1
    projections = [
        _projected(removed_rows(direction, edit, place, depth), before[:, place], after[:, place], harmful)
        for place in _places(direction, depth)
    ]
    gaps = [_gap(earlier, harmful) for earlier, _ in projections]
    for (earlier, later), gap in zip(projections, gaps, strict=True):
        kept = _gap(later, harmful) / gap if gap > 0 else 0.0
        if gap >= SMALLEST_SHARE * max(gaps) and (best is None or kept > best[0]):
            best = (kept, earlier, later)
    if best is None:
        return []
    _, earlier, later = best
    sign = np.where(harmful, 1.0, -1.0) * len(harmful) / np.where(harmful, harmful.sum(), (~harmful).sum())
    spread = np.sqrt((earlier[harmful].var() + earlier[~harmful].var()) / 2) or 1.0
    return [
        Score(
            prompt_id,
            float(now * side / spread),
            float(then * side / spread),
            scope="both labels",
            stratum="harmful" if is_harmful else "harmless",
        )
        for prompt_id, now, then, side, is_harmful in zip(prompt_ids, later, earlier, sign, harmful, strict=True)
    ]


def removed_rows(direction: Direction, edit: Mapping[str, Any] | None, place: int, depth: int) -> FloatArray:
    """Orthonormal rows [k, hidden] that an edit removes after a block; without an edit, the directions.

    Args:
        direction: the variant's direction.
        edit: its ``edit`` entry, if it has one.
        place: index of the block, or ``depth`` for the state after the final norm.
        depth: number of blocks.
    """
    built = build_edit(edit) if edit is not None else None
    if isinstance(built, ProjectionEdit):
        return built.basis(direction, min(place, depth - 1))
    return unit_rows(direction.directions)


def _places(direction: Direction, depth: int) -> range:
    """Indices of the layers to compare, in the order of the states."""
    if direction.layer == "final_norm":
        return range(depth, depth + 1)
    return range(int(direction.layer or 0), depth)


def _projected(
    rows: FloatArray, before: NDArray[np.float32], after: NDArray[np.float32], harmful: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Projections of the original's and of the variant's states on the class difference within the directions."""
    earlier, later = before.astype(np.float64) @ rows.T, after.astype(np.float64) @ rows.T
    difference = earlier[harmful].mean(axis=0) - earlier[~harmful].mean(axis=0)
    length = float(np.linalg.norm(difference))
    axis = difference / length if length else difference
    return earlier @ axis, later @ axis


def _gap(projections: FloatArray, harmful: NDArray[np.bool_]) -> float:
    return float(projections[harmful].mean() - projections[~harmful].mean())
