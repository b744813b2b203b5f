"""The space of edits that a search samples from; a point determines a direction and an ``edit`` entry.

A point is a flat mapping of parameter names to numbers and names, as samplers and tables hold it:

- ``method``, ``layer`` (in blocks, with decimals), ``position``, ``count``: how the direction is found;
- ``scope``: whether every block is edited along that direction, or along the one that is found at the block itself;
- ``edit``: which edit removes it;
- ``{target}_scale``, ``{target}_peak``, ``{target}_width``, ``{target}_edge``: the kernel of each target, of the
  embedding its scale alone;
- ``rank_one_layer``, ``rank_one_scale``: block and scale of edits of a single block, for those alone;
- ``draw``: the seed of methods that find nothing, for controls.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from steadfast.attacks.search.settings import SearchSettings
from steadfast.core.plug_ins import DIRECTIONS, EDITS

Point = Mapping[str, Any]
KERNEL = {"scale": 1.0, "peak": 0.0, "width": 1.0, "edge": 1.0}
"""Parameters of a kernel, with what they are where a target has none: all blocks alike."""
EMBEDDING, MLP = "embedding", "mlp_output"
BLOCK, BLOCK_SCALE = "rank_one_layer", "rank_one_scale"
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
    """The search space of a model.

    Attributes:
        settings: the space by the configuration.
        depth: number of blocks of the model.
    """

    settings: SearchSettings
    depth: int

    @property
    def targets(self) -> list[str]:
        """Groups of modules that some point edits."""
        of_one_block = [MLP] if any(map(is_of_one_block, self.settings.edits)) else []
        return list(dict.fromkeys([*self.settings.targets, *of_one_block]))

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
        """The fixed recipe in this space: all blocks alike, with scale 1, the direction at 0.6 of the depth."""
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
    """Whether an edit changes a single block, by what enters its MLP."""
    return bool(EDITS.settings(edit).needs_keys)


def is_meaningless(name: str) -> bool:
    """Whether a method finds nothing: its directions are a control."""
    return bool(DIRECTIONS.settings(name).is_meaningless)
