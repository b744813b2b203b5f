"""The space of edits that a search samples from; a point determines a direction and an ``edit`` entry.

A point is a flat mapping of parameter names to numbers and names, as in samplers and tables:

- ``method``, ``layer`` (in blocks, with decimals), ``position``, ``count``: how the direction is found;
- ``scope``: whether every block is edited along that direction, or along its own;
- ``edit``: which edit removes it;
- ``{target}_scale``, ``{target}_peak``, ``{target}_width``, ``{target}_edge``: the kernel of each target; the embedding
  has a scale only;
- ``rank_one_layer``, ``rank_one_scale``: block and scale of edits of a single block;
- ``draw``: the seed of random directions, for controls.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from steadfast.attacks.search.settings import SearchSettings
from steadfast.core.plug_ins import DIRECTIONS, EDITS

Point = Mapping[str, Any]
KERNEL = {"scale": 1.0, "peak": 0.0, "width": 1.0, "edge": 1.0}
"""Parameters of a kernel, with the values for a target without one (all blocks equal)."""
EMBEDDING, MLP = "embedding", "mlp_output"
BLOCK, BLOCK_SCALE = "rank_one_layer", "rank_one_scale"
DRAWS = 9999
PER_BLOCK = "per_block"
NARROWEST = 0.1
"""Smallest width of a kernel, as a fraction of the depth."""
FIXED_LAYER = 0.6
"""Depth of the direction in the first trial."""


@dataclass(frozen=True)
class Range:
    """A number between two inclusive bounds; ``whole`` if it is an integer."""

    low: float
    high: float
    whole: bool = False


@dataclass(frozen=True)
class Space:
    """The search space of a model.

    Attributes:
        settings: the configured search.
        depth: number of blocks of the model.
    """

    settings: SearchSettings
    depth: int

    @property
    def targets(self) -> list[str]:
        """Groups of modules that points may edit."""
        of_one_block = [MLP] if any(map(is_of_one_block, self.settings.edits)) else []
        return list(dict.fromkeys([*self.settings.targets, *of_one_block]))

    @property
    def choices(self) -> dict[str, list[Any]]:
        """Categorical parameters, including those with a single value."""
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
        """Numerical parameters."""
        low, high = (bound * (self.depth - 1) for bound in sorted(self.settings.depth))
        found = {"layer": Range(low, high)}
        scale = Range(min(self.settings.scale), max(self.settings.scale))
        for target in self.settings.targets:
            found[f"{target}_scale"] = scale
            if target != EMBEDDING:
                found[f"{target}_peak"] = Range(0.0, 1.0)
                found[f"{target}_width"] = Range(NARROWEST, 1.0)
                found[f"{target}_edge"] = Range(0.0, 1.0)
        if any(map(is_of_one_block, self.settings.edits)):
            found[BLOCK] = Range(round(low), round(high), whole=True)
            found[BLOCK_SCALE] = scale
        if any(map(is_meaningless, self.settings.directions)):
            found["draw"] = Range(0, DRAWS, whole=True)
        return found

    @property
    def first(self) -> dict[str, Any]:
        """The fixed recipe in this space: the same scale of 1 at all blocks, the direction at 0.6 of the depth."""
        ranges = self.ranges
        point: dict[str, Any] = {name: values[0] for name, values in self.choices.items()}
        layer = FIXED_LAYER * (self.depth - 1)
        wanted = {"layer": layer, BLOCK: round(layer), BLOCK_SCALE: 1.0, "draw": 0.0}
        for target in self.settings.targets:
            wanted |= {f"{target}_scale": 1.0, f"{target}_peak": 0.6, f"{target}_width": 1.0, f"{target}_edge": 1.0}
        for name, bounds in ranges.items():
            value = float(np.clip(wanted[name], bounds.low, bounds.high))
            point[name] = int(value) if bounds.whole else value
        return point

    def scaled(self, point: Point, factor: float) -> Point:
        """A point with all its scales multiplied, within their ranges.

        Args:
            point: the point.
            factor: the factor; below 1 it weakens the edit.
        """
        return dict(point) | {
            name: float(np.clip(point[name] * factor, bounds.low, bounds.high))
            for name, bounds in self.ranges.items()
            if name.endswith("_scale")
        }

    def edit(self, point: Point) -> dict[str, Any]:
        """The ``edit`` entry of a point."""
        if is_of_one_block(point["edit"]):
            return EDITS.complete(
                {"method": point["edit"], "layer": int(point[BLOCK]), "scale": float(point[BLOCK_SCALE])}
            )
        targets = list(self.settings.targets)
        kernels = {
            target: {key: float(point.get(f"{target}_{key}", flat)) for key, flat in KERNEL.items()}
            for target in targets
        }
        return EDITS.complete({"method": point["edit"], "targets": targets, "kernels": kernels})


def is_of_one_block(edit: str) -> bool:
    """Whether an edit changes the MLP of a single block, using its inputs."""
    return bool(EDITS.settings(edit).needs_keys)


def is_meaningless(name: str) -> bool:
    """Whether a method's directions carry no information, as in a control."""
    return bool(DIRECTIONS.settings(name).is_meaningless)
