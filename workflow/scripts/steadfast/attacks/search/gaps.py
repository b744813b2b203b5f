"""Trials that fill the largest gap of the Pareto front with a weaker version of an edit that lies on it.

A sampler looks for an edit of its own at every divergence, although a cheaper way is known: the divergence of an edit
grows about with the square of its scale. Every third trial after the opening therefore takes an edit from the expensive
side of the front's largest gap and reduces its scales, so that its divergence lies within the gap.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import expit
from scipy.stats import qmc

from steadfast.attacks.search.pareto import fronts
from steadfast.attacks.search.space import Point, Space

EVERY = 3
"""One in as many trials fills a gap."""
SOURCES = 3
"""Edits of the expensive side that take turns: the nearest ones."""
MIDDLE = (0.2, 0.8)
"""Part of a gap, on the scale of the square root of the divergence, in which the new trial is expected."""


@dataclass(frozen=True)
class Place:
    """Where a trial lies.

    Attributes:
        refusals: its refusal score, in log odds.
        divergence: mean KL(original ‖ edited), nats per token.
        point: what was tried.
    """

    refusals: float
    divergence: float
    point: Point

    @property
    def strength(self) -> float:
        """The square root of the divergence, which is about proportional to the scale of an edit."""
        return math.sqrt(self.divergence)


def fills_gap(number: int) -> bool:
    """Whether a trial after the opening fills a gap."""
    return number % EVERY == 0


def weaker_version(space: Space, places: Sequence[Place], number: int, bound: float) -> Point | None:
    """An edit from the expensive side of the front's largest gap, with smaller scales.

    The size of a gap is the area between its two ends: the difference of their refusal probabilities times that of the
    square roots of their divergences. The front begins without an edit, at no divergence.

    Args:
        space: the search space.
        places: all trials so far.
        number: number of the new trial; different trials aim at different parts of a gap and weaken different edits.
        bound: largest divergence of a gap, nats per token.

    Returns:
        The point, or None if the front has no gap.
    """
    front = _front(places)
    # the cheap end of each gap, as the probability of refusal and the square root of the divergence
    starts = [(max((_probability(place) for place in places), default=0.0), 0.0)]
    starts += [(_probability(place), place.strength) for place in front]
    most = math.sqrt(bound)
    sizes = [
        (refusals - _probability(place)) * (min(place.strength, most) - strength)
        for (refusals, strength), place in zip(starts, front, strict=False)
    ]
    largest = max(range(len(sizes)), key=sizes.__getitem__, default=None)
    if largest is None or sizes[largest] <= 0:
        return None
    turn = number // EVERY
    sources = front[largest : largest + SOURCES]
    source = sources[turn % len(sources)]
    low, high = starts[largest][1], min(front[largest].strength, most)
    first, last = MIDDLE
    aim = low + (first + (last - first) * _share(turn)) * (high - low)
    return space.scaled(source.point, aim / source.strength)


def _front(places: Sequence[Place]) -> list[Place]:
    """The Pareto front in the order of the divergence, without edits that change nothing."""
    number = fronts([(place.refusals, place.divergence) for place in places])
    front = [place for place, on in zip(places, number, strict=True) if on == 0 and place.divergence > 0]
    return sorted(front, key=lambda place: place.divergence)


def _probability(place: Place) -> float:
    """Probability of a refusal, between 0 and 1."""
    return float(expit(place.refusals))


def _share(number: int) -> float:
    """The van der Corput sequence in base 2 from its second value on, in the open unit interval."""
    sequence = qmc.Halton(1, scramble=False)
    return float(sequence.fast_forward(number + 1).random(1)[0, 0])
