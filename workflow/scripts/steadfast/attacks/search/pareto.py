"""Pareto fronts of trials: which ones no other trial is better than."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
Place = tuple[float, ...]
"""Quantities to minimize."""


def fronts(places: Sequence[Place]) -> list[int]:
    """Pareto front of each point: 0 if no other point is better in one quantity and not worse in any."""
    left = set(range(len(places)))
    found = [0] * len(places)
    number = 0
    while left:
        first = {row for row in left if not any(_dominates(places[other], places[row]) for other in left)}
        for row in first:
            found[row] = number
        left -= first
        number += 1
    return found


def _dominates(one: Place, other: Place) -> bool:
    return all(mine <= its for mine, its in zip(one, other, strict=True)) and one != other


def first_of_fronts(candidates: Sequence[T], places: Sequence[Place], count: int) -> list[T]:
    """The first ``count`` candidates by front; a last front with too many is sampled evenly.

    Args:
        candidates: the candidates.
        places: quantities to minimize per candidate; fronts are ordered by the first one.
        count: number of candidates to take.
    """
    number = fronts(places)
    chosen: list[T] = []
    for front in range(max(number, default=-1) + 1):
        on = sorted((row for row, found in enumerate(number) if found == front), key=lambda row: places[row])
        chosen += spread([candidates[row] for row in on], count - len(chosen))
    return chosen


def spread(ordered: Sequence[T], count: int) -> list[T]:
    """Part of a sequence: its first elements for half of the count, then evenly spaced elements from the rest."""
    if len(ordered) <= count:
        return list(ordered)
    first = -(-count // 2)
    rest, others = ordered[first:], count - first
    return [*ordered[:first], *(rest[place * len(rest) // others] for place in range(others))]
