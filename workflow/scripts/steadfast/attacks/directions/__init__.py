"""Directions in the residual stream: the one interface of all methods, and the file that holds a result.

A method is a module of ``methods`` with ``build(settings) -> DirectionMethod``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.attacks.activations import Activations
from steadfast.core.errors import ConfigError, DataError
from steadfast.core.files import write_table
from steadfast.core.names import PROMPT_LABELS
from steadfast.core.plug_ins import DIRECTIONS, Family
from steadfast.core.tensors import load_tensors, save_tensors

HALF_DIRECTIONS = "half_directions"
"""Tensor with the directions found from one half of the prompts at the selected location; ``held_out`` in the details
are the other half."""
BLOCK_DIRECTIONS = "block_directions"
"""Tensor [layers, k, hidden] with one direction per block, which edits use instead of the single one."""
GRID_COLUMNS = [
    "layer",
    "position",
    "separation",
    "accuracy",
    "area_under_curve",
    "probe_accuracy",
    "difference_norm",
    "selected",
]


def empty_grid() -> pd.DataFrame:
    """The selection grid of a method that selects nothing."""
    return pd.DataFrame(columns=GRID_COLUMNS)


@dataclass(frozen=True)
class Direction:
    """One or several directions of the residual stream, with the tensors and details that edits and reports need.

    Attributes:
        directions: float32 [k, hidden], orthonormal rows; k = 0 means that no candidate was valid.
        method: name of the method.
        layer: ``"0"`` to ``"depth - 1"`` (state after that block), ``"final_norm"``, or ``""`` if the
            direction belongs to no layer.
        position: token position counted from the end of the prompt, or None.
        score: selection score of the chosen layer and position, or None.
        tensors: further float32 arrays, such as ``harmful_mean`` [hidden], ``harmful_means`` [layers, hidden] and
            ``half_directions`` [k, hidden].
        selection: the compared candidates: one row per layer and position, with at least the columns ``GRID_COLUMNS``;
            or one row per attack if the direction belongs to a selected attack (see
            ``steadfast.analysis.attack_selection``).
        details: further metadata; JSON values.
        reason: why there is no valid direction, or empty.
    """

    directions: NDArray[np.float32]
    method: str
    layer: str = ""
    position: int | None = None
    score: float | None = None
    tensors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    selection: pd.DataFrame = field(default_factory=empty_grid)
    details: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    @property
    def valid(self) -> bool:
        """Whether there is a direction."""
        return len(self.directions) > 0

    def save(self, path: str | Path) -> None:
        """Write a safetensors file, and the selection grid as a CSV file of the same name next to it."""
        facts = {
            "method": self.method,
            "layer": self.layer,
            "position": self.position,
            "score": self.score,
            "details": dict(self.details),
            "reason": self.reason,
        }
        save_tensors(path, {"directions": self.directions, **self.tensors}, facts)
        write_table(selection_path(path), self.selection)


@dataclass(frozen=True)
class Candidate:
    """A candidate direction whose effect on the model is measured.

    Attributes:
        layer: the block after which it was found.
        rows: float64 [k, hidden], orthonormal.
        difference: float64 [hidden], difference of the class means within the span of the rows, as added by activation
    addition.
    """

    layer: int
    rows: NDArray[np.float64]
    difference: NDArray[np.float64]


@dataclass(frozen=True)
class Descent:
    """Settings of the gradient descent on directions.

    Attributes:
        steps: number of steps.
        batch: prompts of each label in a step.
        learning_rate: of Adam.
        divergence_weight: weight of the divergence on harmless prompts relative to the refusal score.
        refusal_tokens: first tokens of refusals, or None to take them from the model's responses.
    """

    steps: int
    batch: int
    learning_rate: float
    divergence_weight: float
    refusal_tokens: tuple[str, ...] | None = None


class CausalScores(Protocol):
    """Measures the effect of candidates on a model."""

    def score(
        self,
        candidates: Sequence[Candidate],
        *,
        fit: tuple[Sequence[str], Sequence[str]],
        held_out: tuple[Sequence[str], Sequence[str]],
        refusal_tokens: Sequence[str] | None,
    ) -> tuple[pd.DataFrame, Mapping[str, Any]]:
        """Score every candidate.

        Args:
            candidates: what to score.
            fit: ids of the harmful and harmless prompts that the candidates come from.
            held_out: ids of the prompts on which they are scored.
            refusal_tokens: first tokens of refusals, or None to take them from the responses to ``fit``.

        Returns:
            One row per candidate with ``bypass``, ``induce`` and ``divergence``; and details, including
            ``baseline_harmful`` (the refusal score without intervention) and, if nothing can be scored, ``reason``.
        """
        ...

    def descend(
        self, rows: NDArray[np.float64], prompts: tuple[Sequence[str], Sequence[str]], descent: Descent, seed: int
    ) -> tuple[NDArray[np.float64], Mapping[str, Any]]:
        """Improve directions by gradient descent.

        Args:
            rows: float64 [k, hidden], orthonormal rows to begin with.
            prompts: ids of the harmful and harmless prompts.
            descent: settings of the descent.
            seed: seed of the order of the prompts.

        Returns:
            Improved rows, and details; with ``reason`` if refusals cannot be recognized.
        """
        ...


class DirectionMethod(Protocol):
    """A way of finding directions in activations."""

    def find(self, activations: Activations, *, seed: int, causal: CausalScores | None = None) -> Direction:
        """Find the direction; equal activations and seed give equal results.

        Args:
            activations: states of both labels.
            seed: seed of every random choice.
            causal: scores candidates, for methods that select by causal scores.
        """
        ...


def selection_path(path: str | Path) -> Path:
    """The selection grid's CSV file that belongs to a direction file."""
    return Path(path).with_suffix(".csv")


def load_direction(path: str | Path) -> Direction:
    """Read a direction, and its selection grid if there is a CSV file next to it.

    Raises:
        DataError: the file is not a direction file.
    """
    tensors, facts = load_tensors(path, "a direction file")
    if "directions" not in tensors:
        raise DataError(f"{path} is not a direction file: it lacks the tensor 'directions'")
    directions = tensors.pop("directions")
    grid = selection_path(path)
    return Direction(
        directions,
        method=str(facts.get("method", "")),
        layer=str(facts.get("layer", "")),
        position=facts.get("position"),
        score=facts.get("score"),
        tensors=tensors,
        selection=pd.read_csv(grid, dtype={"layer": str}) if grid.is_file() else empty_grid(),
        details=facts.get("details", {}),
        reason=str(facts.get("reason", "")),
    )


def build_method(settings: Mapping[str, Any]) -> DirectionMethod:
    """Build the method that a ``direction`` entry describes: ``method`` and that method's own keys.

    Raises:
        ConfigError: the method or a key is unknown, or a value is not allowed.
    """
    return build_from(DIRECTIONS, settings)  # type: ignore[no-any-return]


def check_settings(settings: Mapping[str, Any]) -> None:
    """Validate a ``direction`` entry without a model.

    Raises:
        ConfigError: the method or a key is unknown, or a value is not allowed.
    """
    build_method(settings)


def build_from(family: Family, entry: Mapping[str, Any]) -> Any:
    """Build a plug-in from its config entry.

    Raises:
        ConfigError: the key that names it is missing, it or one of its keys is unknown, or a value is not allowed.
    """
    rest = dict(entry)
    name = rest.pop(family.key, None)
    if not isinstance(name, str):
        raise ConfigError(f"a {family.name} needs the key {family.key!r}; known: {', '.join(family.names())}")
    module = family.load(name)
    return module.build(module.Settings.read(rest))


def resolve_layer(layer: int | float, depth: int) -> int:
    """Block index of a ``layer`` setting: ``floor(fraction * depth)``, or the index itself.

    Negative indices count from the last block.

    Raises:
        ConfigError: the index is outside of the model; the message names its depth.
    """
    # 0.1 * 30 is 3, though the floating-point product may be slightly less
    index = int(np.floor(layer * depth + 1e-9)) if isinstance(layer, float) else layer
    if not -depth <= index < depth:
        raise ConfigError(f"layer: {layer} is outside of the model, which has {depth} blocks (0 to {depth - 1})")
    return index % depth


def unit_rows(vectors: Sequence[NDArray[Any]] | NDArray[Any]) -> NDArray[np.float64]:
    """Orthonormal rows [k, hidden] that span ``vectors``, in order and with their signs (Gram-Schmidt).

    Raises:
        DataError: the vectors are not finite, or linearly dependent.
    """
    rows = np.atleast_2d(np.asarray(vectors, dtype=np.float64))
    if not np.isfinite(rows).all():
        raise DataError("a direction holds values that are not finite")
    basis: list[NDArray[np.float64]] = []
    for row in rows:
        rest = row
        for _ in range(2):  # two passes are enough for orthogonality to machine precision
            for earlier in basis:
                rest = rest - (rest @ earlier) * earlier
        length = np.linalg.norm(rest)
        if length <= 1e-10 * np.linalg.norm(row) or length == 0:
            raise DataError("directions are zero or linearly dependent, so they cannot be made orthonormal")
        basis.append(rest / length)
    return np.stack(basis)


def class_statistics(activations: Activations, layer: int | str, position_index: int) -> dict[str, NDArray[np.float32]]:
    """Class means that edits and figures need, from float64 sums.

    Returns:
        ``{class}_mean`` [hidden] and ``{class}_norm`` [1] (mean length of the states) at the layer, and
        ``{class}_means`` [layers, hidden] after every block.
    """
    found: dict[str, NDArray[np.float32]] = {}
    for name in PROMPT_LABELS:
        group = getattr(activations, name)
        states = group.at(layer, position_index)
        every = group.blocks[:, position_index]
        found[f"{name}_mean"] = states.mean(axis=0).astype(np.float32)
        found[f"{name}_norm"] = np.array([np.linalg.norm(states, axis=1).mean()], dtype=np.float32)
        found[f"{name}_means"] = every.mean(axis=0, dtype=np.float64).astype(np.float32)
    return found


def at_block(direction: Direction, activations: Activations, layer: int | float | None, position: int) -> Direction:
    """A direction from another source assigned to a block, with the class means there; unchanged if ``layer`` is None.

    Raises:
        ConfigError: the model has no such block.
        DataError: the position was not extracted.
    """
    if layer is None:
        return direction
    block = resolve_layer(layer, activations.depth)
    means = class_statistics(activations, block, activations.position_index(position))
    return replace(direction, layer=str(block), position=position, tensors=means)
