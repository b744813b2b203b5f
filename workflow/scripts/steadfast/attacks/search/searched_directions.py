"""The directions of the points of a search, found in a model's activations, or by running the model."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from steadfast.attacks.activations import Activations, ClassActivations
from steadfast.attacks.direction_search.search import Measurements
from steadfast.attacks.directions import (
    BLOCK_DIRECTIONS,
    HALF_DIRECTIONS,
    Descent,
    Direction,
    build_method,
    class_statistics,
)
from steadfast.attacks.directions.contrast import ContrastMethod
from steadfast.attacks.directions.finders import States
from steadfast.attacks.directions.selection import split_halves
from steadfast.attacks.search.space import BLOCK, PER_BLOCK, Point, is_meaningless, is_of_one_block
from steadfast.core.errors import ConfigError, DataError
from steadfast.core.plug_ins import DIRECTIONS

DESCENTS = 5
"""Number of depths at which directions are found by gradient descent."""


@runtime_checkable
class Descending(Protocol):
    """A method that improves another method's directions by gradient descent through the model.

    Attributes:
        start: finds the initial directions.
        descent: settings of the descent.
    """

    start: ContrastMethod
    descent: Descent


@dataclass
class Directions:
    """Finds the directions of points in the activations of a model, with a cache.

    Attributes:
        activations: states of the calibration prompts.
        seed: the run's seed.
        depths: lowest and highest block in which directions are found by descent.
        model: runs the model, for methods that descend through it and for edits that need keys.
    """

    activations: Activations
    seed: int
    depths: tuple[float, float] = (0.0, 0.0)
    model: Measurements | None = None
    _found: dict[tuple[Any, ...], Direction] = field(default_factory=dict)
    _of_blocks: dict[tuple[Any, ...], NDArray[np.float32]] = field(default_factory=dict)
    _keys: dict[tuple[int, int], Mapping[str, NDArray[np.float32]]] = field(default_factory=dict)

    def at(self, point: Point) -> Direction:
        """The direction of a point, with the class means and the keys that edits need.

        The model must have its original weights.

        Raises:
            DataError: there is no direction at this location.
            ConfigError: the model has no keys there.
        """
        method, place = _method(point), point
        if _descends(method):
            place = {**point, "layer": self._nearest(float(point["layer"])), "scope": "global"}
        key = tuple(place.get(name) for name in ("method", "layer", "position", "count", "draw", "scope"))
        if key not in self._found:
            self._found[key] = self._find(method, place)
        return self._with_keys(self._found[key], point) if is_of_one_block(point["edit"]) else self._found[key]

    def with_half(self, point: Point) -> Direction:
        """The direction of a point, with the one found from half of the prompts, for the figures of projections."""
        direction = self.at(point)
        method = _method(point)
        if not isinstance(method, ContrastMethod):
            return direction
        halves = split_halves(self.activations, self.seed)
        half = method.finder.find(*(self._states(group, point) for group in halves.fit))
        return Direction(
            direction.directions,
            direction.method,
            layer=direction.layer,
            position=direction.position,
            tensors={**direction.tensors, HALF_DIRECTIONS: half.rows.astype(np.float32)},
            details={**direction.details, "held_out": halves.held_out},
        )

    def _nearest(self, layer: float) -> int:
        """The nearest of the blocks at which gradient descent is run (a descent takes minutes)."""
        low, high = self.depths
        blocks = [round(float(block)) for block in np.linspace(low, high, DESCENTS)]
        return min(blocks, key=lambda block: abs(block - layer))

    def _with_keys(self, direction: Direction, point: Point) -> Direction:
        place = int(point[BLOCK]), int(point["position"])
        if place not in self._keys:
            if self.model is None:
                raise ConfigError(f"edit: {point['edit']} needs keys, which come from running the model")
            groups = self.activations.harmful, self.activations.harmless
            ids = [group.prompt_ids for group in groups]
            self._keys[place] = self.model.keys(ids[0], ids[1], *place, self.seed)
        details = {**direction.details, "keys_layer": place[0]}
        return replace(direction, tensors={**direction.tensors, **self._keys[place]}, details=details)

    def _find(self, method: Any, point: Point) -> Direction:
        groups = (self.activations.harmful, self.activations.harmless)
        if isinstance(method, ContrastMethod):
            found = method.finder.find(*(self._states(group, point) for group in groups))
            rows, facts = found.rows, {**found.details, **found.tuned}
        elif _descends(method):
            rows, facts = self._descended(method, point)
        else:
            drawn = method.find(self.activations, seed=self.seed)
            rows, facts = drawn.directions.astype(np.float64), dict(drawn.details)
        index = self.activations.position_index(point["position"])
        layer = round(float(point["layer"]))
        further = (
            self._per_block(point) if point.get("scope") == PER_BLOCK and isinstance(method, ContrastMethod) else {}
        )
        means = class_statistics(self.activations, layer, index)
        for name, group in zip(("harmful", "harmless"), groups, strict=True):
            states = self._states(group, point).values
            means[f"{name}_mean"] = states.mean(axis=0).astype(np.float32)
            means[f"{name}_norm"] = np.array([np.linalg.norm(states, axis=1).mean()], dtype=np.float32)
        return Direction(
            rows.astype(np.float32),
            str(point["method"]),
            layer=str(layer),
            position=int(point["position"]),
            tensors={**means, **further},
            details={**facts, "between_blocks": float(point["layer"])},
        )

    def _descended(self, method: Descending, point: Point) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """The direction at a location after gradient descent, on all calibration prompts."""
        if self.model is None:
            raise DataError(f"{point['method']} needs the model, to follow the gradient through it")
        groups = (self.activations.harmful, self.activations.harmless)
        start = method.start.finder.find(*(self._states(group, point) for group in groups)).rows
        ids = (groups[0].prompt_ids, groups[1].prompt_ids)
        rows, facts = self.model.scores.descend(start, ids, method.descent, self.seed)
        if facts.get("reason"):
            raise DataError(str(facts["reason"]))
        return rows, {"gradient": dict(facts)}

    def _per_block(self, point: Point) -> dict[str, NDArray[np.float32]]:
        """The directions found at each block; their number is the smallest over the blocks."""
        key = tuple(point[name] for name in ("method", "position", "count"))
        if key not in self._of_blocks:
            finder, groups = _method(point).finder, (self.activations.harmful, self.activations.harmless)
            places = [{**point, "layer": float(block)} for block in range(self.activations.depth)]
            found = [finder.find(*(self._states(group, place) for group in groups)).rows for place in places]
            least = min(map(len, found))
            self._of_blocks[key] = np.stack([rows[:least] for rows in found]).astype(np.float32)
        return {BLOCK_DIRECTIONS: self._of_blocks[key]}

    def _states(self, group: ClassActivations, point: Point) -> States:
        """States of a group at a location that may lie between two blocks."""
        index = self.activations.position_index(point["position"])
        return States(between_blocks(group, float(point["layer"]), index), group.categories)


def between_blocks(group: ClassActivations, layer: float, position_index: int) -> NDArray[np.float64]:
    """States [prompts, hidden] after a block, or interpolated linearly between two adjacent blocks."""
    below = int(np.floor(layer))
    share = layer - below
    states = group.at(below, position_index)
    return states if share == 0 else (1 - share) * states + share * group.at(below + 1, position_index)


def why_not_searched(name: str) -> str:
    """Why a direction method cannot be used in a search; empty if it can."""
    try:
        method = build_method({"method": name})
    except ConfigError:
        return "needs settings of its own"
    if isinstance(method, ContrastMethod) or _descends(method) or is_meaningless(name):
        return ""
    return "finds directions by more than the activations of two groups of prompts"


def _descends(method: Any) -> TypeGuard[Descending]:
    """Whether a method improves directions by gradient descent through the model."""
    return isinstance(method, Descending)


def _method(point: Point) -> Any:
    settings: dict[str, Any] = {}
    known = DIRECTIONS.settings(point["method"]).model_fields
    offered = {"count": point["count"], "seed": point.get("draw"), "resamples": 0}
    settings |= {key: value for key, value in offered.items() if key in known and value is not None}
    return build_method({"method": point["method"], **settings})
