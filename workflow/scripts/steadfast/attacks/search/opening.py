"""The first trials of a search: the fixed recipe, then mostly edits that are known to cause little degradation.

A sampler learns little from 15 random points of a space with more than a dozen dimensions. The region in which the
literature reports little degradation is therefore tried first: directions from the middle and later blocks, or each
block's own, a window over part of the depth instead of all blocks, scales around 1. Every third point is drawn from the
whole space, since a model may be an exception.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from steadfast.attacks.search.space import PER_BLOCK, Point, Range, Space

LENGTH = 15
"""Trials of an opening, the fixed recipe included."""
ANYWHERE = 3
"""Every n-th point is drawn from the whole space."""
OF_THE_FIRST = 0.5
"""Share of the other points that use the first direction method."""
OF_EACH_BLOCK = 2 / 3
"""Share of the other points that edit each block along its own direction."""
CHEAP: Mapping[str, tuple[float, float]] = {
    "scale": (0.2, 1.4),
    "peak": (0.5, 1.0),
    "width": (0.15, 0.6),
    "edge": (0.0, 1.0),
}
"""Ranges of the kernel parameters in the points that are not drawn from the whole space."""
CHEAP_DEPTH = (0.4, 0.9)
"""Range of depths of their directions, as fractions."""


@dataclass(frozen=True)
class Opening:
    """The first trials of a search.

    Attributes:
        space: the search space.
        seed: seed of the search.
        length: number of trials, the fixed recipe included.
    """

    space: Space
    seed: int
    length: int = LENGTH

    def at(self, number: int) -> Point:
        """The point of a trial.

        Args:
            number: number of the trial, from 0 to ``length`` - 1.
        """
        if number == 0:
            return self.space.first
        shares = dict(zip(self._names, self._shares[number], strict=True))
        cheap = bool(number % ANYWHERE)
        point: dict[str, Any] = {}
        for name, values in self.space.choices.items():
            point[name] = _choice(values, shares[name], *(self._favored(name) if cheap else ()))
        for name, bounds in self.space.ranges.items():
            point[name] = _within(self._part(name, bounds) if cheap else bounds, shares[name])
        return point

    def _favored(self, name: str) -> tuple[Any, float] | tuple[()]:
        """The preferred value of a choice and its share; None if no value is preferred."""
        values = self.space.choices[name]
        if name == "method":
            return values[0], OF_THE_FIRST
        return (PER_BLOCK, OF_EACH_BLOCK) if name == "scope" and PER_BLOCK in values else ()

    @property
    def _names(self) -> list[str]:
        return [*self.space.choices, *self.space.ranges]

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        """Evenly spread points of the unit cube, [trials, parameters]."""
        seed = zlib.crc32(f"opening {self.seed}".encode())
        cube = qmc.Sobol(len(self._names), rng=np.random.default_rng(seed))
        return np.asarray(cube.random_base2(max(1, (self.length - 1).bit_length())))

    def _part(self, name: str, bounds: Range) -> Range:
        """The part of a parameter's range with little expected degradation; the whole range if they do not overlap."""
        key = name.rsplit("_", 1)[-1]
        if name == "layer":
            low, high = (share * (self.space.depth - 1) for share in CHEAP_DEPTH)
        elif key in CHEAP:
            low, high = CHEAP[key]
        else:
            return bounds
        low, high = max(low, bounds.low), min(high, bounds.high)
        return Range(low, high, bounds.whole) if low <= high else bounds


def _choice(values: Sequence[Any], share: float, favored: Any = None, often: float = 0.0) -> Any:
    """The value at a point of the unit interval; a preferred value may take a fixed part, the others share the rest."""
    others = [value for value in values if not often or value != favored]
    if others and share >= often:
        return others[min(int((share - often) / (1 - often) * len(others)), len(others) - 1)]
    return favored


def _within(bounds: Range, share: float) -> float | int:
    """The number at a fraction of a range."""
    if bounds.whole:
        low, high = int(np.ceil(bounds.low)), int(bounds.high)
        return min(low + int(share * (high - low + 1)), high)
    return bounds.low + share * (bounds.high - bounds.low)
