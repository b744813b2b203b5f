"""A random direction: the negative control of every edit."""

from dataclasses import dataclass

import numpy as np

from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import CausalScores, Direction, at_block, check_block, unit_rows
from steadfast.core.errors import ConfigError


@dataclass(frozen=True)
class Random:
    """Orthonormal directions drawn uniformly, by a seed of their own besides the run's."""

    seed: int
    count: int
    layer: int | float | None
    position: int

    def find(self, activations: Activations, *, seed: int, causal: CausalScores | None = None) -> Direction:
        """Draw the directions; with a layer, class means are recorded there, for edits and hooks that need them."""
        if self.count > activations.hidden_size:
            raise ConfigError(f"count: {self.count} directions do not fit into {activations.hidden_size} dimensions")
        generator = np.random.default_rng([seed, self.seed])
        rows = unit_rows(generator.standard_normal((self.count, activations.hidden_size)))
        return at_block(
            Direction(rows.astype(np.float32), method="random", details={"seed": self.seed}),
            activations,
            self.layer,
            self.position,
        )


def build(seed: int = 0, count: int = 1, layer: int | float | None = None, position: int = -1) -> Random:
    """Build the method.

    Args:
        seed: seed of this control; several controls differ by it.
        count: number of directions.
        layer: block at which class means are taken, for edits and hooks that need them; the directions do not
            depend on it.
        position: template position at which they are taken.
    """
    if seed < 0 or count < 1:
        raise ConfigError(f"seed: {seed} must not be negative, and count: {count} must be at least 1")
    if layer is not None:
        check_block(layer)
    return Random(seed, count, layer, position)
