"""Trials that fill the largest gap of the Pareto front with a weaker version of an edit that lies on it.

A sampler looks for an edit of its own at every divergence, although a cheaper way is known: the divergence of an edit
grows about with the square of its scale. Every third trial after the opening therefore takes the edit at the expensive
end of the front's largest gap and reduces its scales, so that its divergence lies within the gap.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from steadfast.attacks.search.pareto import fronts
from steadfast.attacks.search.space import Point, Space

EVERY = 3
"""One in as many trials fills a gap."""
MIDDLE = (0.2, 0.8)
"""Part of a gap, on the logarithmic scale of the divergence, in which the new trial is expected."""


@dataclass(frozen=True)
class Place:
    """Where a trial lies.

    Attributes:
        refusals: its refusal score, in log odds.
        divergence: mean KL(original ‖ edited), nats per token.
        point: what was tried; None for the beginning of the front, where no edit is needed.
    """

    refusals: float
    divergence: float
    point: Point | None = None


def fills_gap(number: int) -> bool:
    """Whether a trial after the opening fills a gap."""
    return number % EVERY == 0


def weaker_version(space: Space, places: Sequence[Place], number: int, lowest: float, bound: float) -> Point | None:
    """The edit at the expensive end of the front's largest gap, with smaller scales.

    The size of a gap is the area between its two ends: the difference of their refusal scores times that of the
    logarithms of their divergences.

    Args:
        space: the search space.
        places: all trials so far.
        number: number of the new trial; different trials aim at different parts of a gap.
        lowest: divergence that counts as none, nats per token.
        bound: largest divergence of a gap, nats per token.

    Returns:
        The point, or None if the front has no gap.
    """
    gaps = [(_area(one, other, bound), one, other) for one, other in _neighbors(places, lowest)]
    area, cheap, expensive = max(gaps, key=lambda gap: gap[0], default=(0.0, None, None))
    if area <= 0 or cheap is None or expensive is None or expensive.point is None:
        return None
    low, high = (math.log(value) for value in (cheap.divergence, min(expensive.divergence, bound)))
    first, last = MIDDLE
    aim = math.exp(low + (first + (last - first) * _share(number // EVERY)) * (high - low))
    return space.scaled(expensive.point, math.sqrt(aim / expensive.divergence))


def _neighbors(places: Sequence[Place], lowest: float) -> list[tuple[Place, Place]]:
    """Neighbors on the front in the order of their divergence, from no edit on."""
    if not places:
        return []
    start = Place(max(place.refusals for place in places), lowest)
    number = fronts([(place.refusals, place.divergence) for place in places])
    front = sorted(
        (place for place, on in zip(places, number, strict=True) if on == 0 and place.divergence > lowest),
        key=lambda place: place.divergence,
    )
    return list(zip([start, *front], front, strict=False))


def _area(cheap: Place, expensive: Place, bound: float) -> float:
    if cheap.divergence >= bound:
        return 0.0
    width = math.log(min(expensive.divergence, bound) / cheap.divergence)
    return width * (cheap.refusals - expensive.refusals)


def _share(number: int) -> float:
    """The van der Corput sequence in base 2, in the open unit interval."""
    share, half = 0.0, 0.5
    number += 1
    while number:
        share += half * (number % 2)
        number, half = number // 2, half / 2
    return share
