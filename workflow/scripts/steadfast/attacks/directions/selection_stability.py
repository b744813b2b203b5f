"""How often resampled prompts would select the same location by held-out separation."""

import numpy as np
from numpy.typing import NDArray

from steadfast.attacks.activations import Activations
from steadfast.attacks.directions.finders import Finder
from steadfast.attacks.directions.selection import Halves, SelectedLocation, held_out_scores, states_at

MOST_RESAMPLES = 25
"""Largest number of resamples; each one searches every location, so there are fewer than for the direction itself."""


def place_stability(
    finder: Finder,
    activations: Activations,
    halves: Halves,
    choice: SelectedLocation,
    allowed: NDArray[np.bool_],
    resamples: int,
    seed: int,
) -> dict[str, float]:
    """Repeat the selection on bootstrap resamples, drawn within each half of each label.

    A prompt is never used to both fit and score in one resample, as it could be if resampling came before splitting.

    Returns:
        ``same_place``, the share of resamples that choose the same block and position, and ``place_resamples``, their
        number; empty if there is only one location or nothing to resample.
    """
    count = min(resamples, MOST_RESAMPLES)
    places = np.flatnonzero(allowed)
    if count == 0 or len(places) < 2:
        return {}
    draws = _draws(halves, count, seed)
    scores = np.stack([_scores(finder, activations, halves, choice, int(row), draws) for row in places], axis=1)
    chosen = choice.grid["selected"].to_numpy(dtype=bool)[places][scores.argmax(axis=1)]
    return {"same_place": float(chosen.mean()), "place_resamples": count}


def _draws(halves: Halves, count: int, seed: int) -> list[list[NDArray[np.intp]]]:
    """Rows of each half per resample, the same at every location."""
    generator = np.random.default_rng([seed, 3])
    sizes = [len(group) for group in (*halves.fit, *halves.rest)]
    return [[np.sort(generator.integers(0, size, size)) for size in sizes] for _ in range(count)]


def _scores(
    finder: Finder,
    activations: Activations,
    halves: Halves,
    choice: SelectedLocation,
    row: int,
    draws: list[list[NDArray[np.intp]]],
) -> NDArray[np.float64]:
    """Separation at the location of one row of the grid, per resample, with tuned hyperparameters fixed."""
    place = choice.grid.iloc[row]
    index = activations.position_index(int(place["position"]))
    states = [states_at(group, str(place["layer"]), index) for group in (*halves.fit, *halves.rest)]
    if not np.any(states[0].mean() - states[1].mean()):
        return np.zeros(len(draws))
    settled = finder.settled(finder.find(states[0], states[1]))
    scores = []
    for drawn in draws:
        first, second, third, fourth = (group.rows(rows) for group, rows in zip(states, drawn, strict=True))
        scores.append(held_out_scores(settled, (first, second), (third, fourth))["separation"])
    return np.array(scores)
