"""The space of edits that a search samples from, and what a point of it is: a direction and an ``edit`` entry.

A point is a flat mapping of parameter names to numbers and names, as samplers and tables hold it:

- ``method``, ``layer`` (in blocks, with decimals), ``position``, ``count``: how the direction is found;
- ``scope``: whether every block is edited along that direction, or along the one that is found at the block itself;
- ``edit``: which edit removes it;
- ``{target}_scale``, ``{target}_peak``, ``{target}_width``, ``{target}_edge``: the kernel of each target;
- ``draw``: the seed of methods that find nothing, for controls.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadfast.attacks.activations import Activations, ClassActivations
from steadfast.attacks.directions import BLOCK_DIRECTIONS, HALF_DIRECTIONS, Direction, build_method, class_statistics
from steadfast.attacks.directions.contrast import ContrastMethod
from steadfast.attacks.directions.finders import States
from steadfast.attacks.directions.selection import split_halves
from steadfast.attacks.search.settings import SearchSettings
from steadfast.core.errors import ConfigError
from steadfast.core.plug_ins import DIRECTIONS, EDITS

Point = Mapping[str, Any]
KERNEL = ("scale", "peak", "width", "edge")
DRAWS = 9999
PER_BLOCK = "per_block"
NARROWEST = 0.1
"""Smallest width of a kernel, as a fraction of the depth."""
FIXED_LAYER = 0.6
"""Depth of the direction of the first trial."""


@dataclass(frozen=True)
class Range:
    """A number between two bounds, both included; ``whole`` if it has no decimals."""

    low: float
    high: float
    whole: bool = False


@dataclass(frozen=True)
class Space:
    """What may be tried on a model.

    Attributes:
        settings: the space by the configuration.
        depth: number of blocks of the model.
    """

    settings: SearchSettings
    depth: int

    @property
    def choices(self) -> dict[str, list[Any]]:
        """Parameters that are one of some values, those with a single one among them."""
        settings = self.settings
        return {
            "method": list(settings.directions),
            "scope": list(settings.scopes),
            "position": list(settings.positions),
            "count": sorted(settings.counts),
            "edit": list(settings.edits),
        }

    @property
    def ranges(self) -> dict[str, Range]:
        """Parameters that are numbers."""
        low, high = (bound * (self.depth - 1) for bound in sorted(self.settings.depth))
        found = {"layer": Range(low, high)}
        for target in self.settings.targets:
            found[f"{target}_scale"] = Range(min(self.settings.scale), max(self.settings.scale))
            found[f"{target}_peak"] = Range(0.0, 1.0)
            found[f"{target}_width"] = Range(NARROWEST, 1.0)
            found[f"{target}_edge"] = Range(0.0, 1.0)
        if any(map(is_meaningless, self.settings.directions)):
            found["draw"] = Range(0, DRAWS, whole=True)
        return found

    @property
    def first(self) -> dict[str, Any]:
        """The fixed recipe in this space: all blocks alike, with scale 1, the direction at 0.6 of the depth."""
        ranges = self.ranges
        point: dict[str, Any] = {name: values[0] for name, values in self.choices.items()}
        wanted = {"layer": FIXED_LAYER * (self.depth - 1), "draw": 0.0}
        for target in self.settings.targets:
            wanted |= {f"{target}_scale": 1.0, f"{target}_peak": 0.6, f"{target}_width": 1.0, f"{target}_edge": 1.0}
        for name, bounds in ranges.items():
            value = float(np.clip(wanted[name], bounds.low, bounds.high))
            point[name] = int(value) if bounds.whole else value
        return point

    def edit(self, point: Point) -> dict[str, Any]:
        """The ``edit`` entry of a point."""
        targets = list(self.settings.targets)
        kernels = {target: {key: float(point[f"{target}_{key}"]) for key in KERNEL} for target in targets}
        return EDITS.complete({"method": point["edit"], "targets": targets, "kernels": kernels})


@dataclass
class Directions:
    """Finds the directions of points in the activations of a model; what was found before is not found again.

    Attributes:
        activations: states of the calibration prompts.
        seed: the run's seed.
    """

    activations: Activations
    seed: int
    _found: dict[tuple[Any, ...], Direction] = field(default_factory=dict)
    _of_blocks: dict[tuple[Any, ...], NDArray[np.float32]] = field(default_factory=dict)

    def at(self, point: Point) -> Direction:
        """The direction of a point, with the class means that edits need."""
        key = tuple(point.get(name) for name in ("method", "layer", "position", "count", "draw", "scope"))
        if key not in self._found:
            self._found[key] = self._find(point)
        return self._found[key]

    def with_half(self, point: Point) -> Direction:
        """The direction of a point with what half of the prompts gives there, for the figures of projections."""
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

    def _find(self, point: Point) -> Direction:
        method, groups = _method(point), (self.activations.harmful, self.activations.harmless)
        if isinstance(method, ContrastMethod):
            found = method.finder.find(*(self._states(group, point) for group in groups))
            rows, facts = found.rows, {**found.details, **found.tuned}
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

    def _per_block(self, point: Point) -> dict[str, NDArray[np.float32]]:
        """The directions found at each block, as many as are found at all of them."""
        key = tuple(point[name] for name in ("method", "position", "count"))
        if key not in self._of_blocks:
            finder, groups = _method(point).finder, (self.activations.harmful, self.activations.harmless)
            places = [{**point, "layer": float(block)} for block in range(self.activations.depth)]
            found = [finder.find(*(self._states(group, place) for group in groups)).rows for place in places]
            least = min(map(len, found))
            self._of_blocks[key] = np.stack([rows[:least] for rows in found]).astype(np.float32)
        return {BLOCK_DIRECTIONS: self._of_blocks[key]}

    def _states(self, group: ClassActivations, point: Point) -> States:
        """States of a group at a place that may lie between two blocks."""
        index = self.activations.position_index(point["position"])
        return States(between_blocks(group, float(point["layer"]), index), group.categories)


def between_blocks(group: ClassActivations, layer: float, position_index: int) -> NDArray[np.float64]:
    """States [prompts, hidden] after a block, or interpolated linearly between those after two neighbors."""
    below = int(np.floor(layer))
    share = layer - below
    states = group.at(below, position_index)
    return states if share == 0 else (1 - share) * states + share * group.at(below + 1, position_index)


def why_not_searched(name: str) -> str:
    """Why a method of finding directions cannot be part of a search; empty if it can."""
    try:
        method = build_method({"method": name})
    except ConfigError:
        return "needs settings of its own"
    if isinstance(method, ContrastMethod) or is_meaningless(name):
        return ""
    return "finds directions by more than the activations of two groups of prompts"


def _method(point: Point) -> Any:
    settings: dict[str, Any] = {}
    known = DIRECTIONS.settings(point["method"]).model_fields
    offered = {"count": point["count"], "seed": point.get("draw"), "resamples": 0}
    settings |= {key: value for key, value in offered.items() if key in known and value is not None}
    return build_method({"method": point["method"], **settings})


def is_meaningless(name: str) -> bool:
    """Whether a method finds nothing: its directions are a control."""
    return bool(DIRECTIONS.settings(name).is_meaningless)
