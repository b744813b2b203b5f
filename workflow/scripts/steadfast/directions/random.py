"""A random direction: the negative control of every edit."""

from dataclasses import dataclass

import numpy as np

from steadfast.activations import Activations
from steadfast.directions import CausalScores, Direction, unit_rows
from steadfast.errors import ConfigError


@dataclass(frozen=True)
class Random:
    """Orthonormal directions drawn uniformly, by a seed of their own besides the run's."""

    seed: int
    count: int

    def find(self, activations: Activations, *, seed: int, causal: CausalScores | None = None) -> Direction:
        """Draw the directions; of the activations only the width counts."""
        if self.count > activations.hidden_size:
            raise ConfigError(f"count: {self.count} directions do not fit into {activations.hidden_size} dimensions")
        generator = np.random.default_rng([seed, self.seed])
        rows = unit_rows(generator.standard_normal((self.count, activations.hidden_size)))
        return Direction(rows.astype(np.float32), method="random", details={"seed": self.seed})


def build(seed: int = 0, count: int = 1) -> Random:
    """Build the method.

    Args:
        seed: seed of this control; several controls differ by it.
        count: number of directions.
    """
    if seed < 0 or count < 1:
        raise ConfigError(f"seed: {seed} must not be negative, and count: {count} must be at least 1")
    return Random(seed, count)
