"""Several directions by a self-organizing map of the harmful prompts' states (Piras et al. 2025).

A map is a grid of neurons that is fitted to the states so that neighbors on the grid are similar. The directions lead
from the mean of the harmless prompts to the neurons with most prompts.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from steadfast.attacks.directions import unit_rows
from steadfast.attacks.directions.contrast import ContrastMethod, contrast_method
from steadfast.attacks.directions.finders import Found, States
from steadfast.attacks.directions.settings import ContrastSettings

EPOCHS = 50
NARROWEST = 0.3
"""Width of the neighborhood in the last epoch, in neurons; each neuron is then close to the mean of its own prompts."""
LEAST_NEW = 1e-3
"""Share of a direction's length that must lie outside the span of the earlier ones."""


class Settings(ContrastSettings):
    """Directions to the neurons of a self-organizing map of the harmful prompts."""

    search_rank: ClassVar[int | None] = 5

    count: int = Field(3, ge=1, le=1000, description="Largest number of directions.")
    side: int = Field(4, ge=1, le=32, description="Neurons along each side of the map.")


@dataclass(frozen=True)
class SelfOrganizingMap:
    """Directions to neurons.

    Attributes:
        count: largest number of directions.
        side: neurons along each side of the square map.
    """

    count: int
    side: int

    def find(self, harmful: States, harmless: States) -> Found:
        """At most ``count`` directions, those to the neurons with most prompts first."""
        neurons = fit_map(harmful.values, self.side)
        sizes = np.bincount(nearest(harmful.values, neurons), minlength=len(neurons))
        order = np.argsort(-sizes, kind="stable")
        middle = harmless.mean()
        rows: NDArray[np.float64] = np.zeros((0, len(middle)))
        used: list[int] = []
        for index in order[sizes[order] > 0]:
            vector = neurons[index] - middle
            own = vector - (vector @ rows.T) @ rows
            if len(rows) < self.count and np.linalg.norm(own) > LEAST_NEW * np.linalg.norm(vector):
                rows = unit_rows(np.concatenate([rows, vector[None]]))
                used.append(int(sizes[index]))
        return Found(rows, details={"prompts_of_neurons": used})

    def settled(self, found: Found) -> "SelfOrganizingMap":
        """Nothing is tuned."""
        return self


def fit_map(states: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Neurons [side², hidden] of a map, row by row, by the batch algorithm (Kohonen 2013).

    The neurons are initialized on the plane of the states' first two principal components, so the fit is deterministic.

    Args:
        states: [prompts, hidden].
        side: neurons along each side.
    """
    center = states.mean(axis=0)
    _, sizes, axes = np.linalg.svd(states - center, full_matrices=False)
    spread = sizes / np.sqrt(len(states))
    plane = np.zeros((2, states.shape[1]))
    plane[: len(axes[:2])] = axes[:2] * spread[:2, None]
    for row in plane:  # the sign of a component is arbitrary; make its largest entry positive
        row *= np.sign(row[np.abs(row).argmax()]) or 1.0
    places = np.array([(row, column) for row in range(side) for column in range(side)], dtype=np.float64)
    neurons: NDArray[np.float64] = center + (places - (side - 1) / 2) / max(side / 2, 1) @ plane
    distances = ((places[:, None] - places[None]) ** 2).sum(axis=-1)
    for epoch in range(EPOCHS):
        width = max(side / 2, NARROWEST) * (NARROWEST / max(side / 2, NARROWEST)) ** (epoch / (EPOCHS - 1))
        won = np.exp(-distances / (2 * width**2))[:, nearest(states, neurons)]
        weight = won.sum(axis=1)
        moved = won @ states / np.maximum(weight, np.finfo(np.float64).tiny)[:, None]
        # a neuron without nearby prompts does not move
        neurons = np.where((weight > np.finfo(np.float64).eps)[:, None], moved, neurons)
    return neurons


def nearest(states: NDArray[np.float64], neurons: NDArray[np.float64]) -> NDArray[np.intp]:
    """Index [prompts] of the neuron nearest to each state."""
    squares = (neurons**2).sum(axis=1) - 2 * states @ neurons.T
    found: NDArray[np.intp] = squares.argmin(axis=1)
    return found


def build(settings: Settings) -> ContrastMethod:
    """The method.

    Raises:
        ConfigError: its settings contradict each other.
    """
    return contrast_method("self_organizing_map", SelfOrganizingMap(settings.count, settings.side), settings)
