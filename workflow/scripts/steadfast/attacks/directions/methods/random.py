"""A random direction: the negative control of every edit."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import CausalScores, Direction, at_block, unit_rows
from steadfast.attacks.directions.settings import PlacedSettings
from steadfast.core.errors import ConfigError
from steadfast.core.settings import Seed


class Settings(PlacedSettings):
    """Random directions, the negative control."""

    is_meaningless: ClassVar[bool] = True

    seed: Seed = Field(0, description="Seed of this control; use different seeds for several controls.")
    count: int = Field(1, ge=1, le=1000, description="Number of directions.")


@dataclass(frozen=True)
class Random:
    """Orthonormal directions drawn uniformly; their seed is combined with the run's seed."""

    seed: int
    count: int
    layer: int | float | None
    position: int

    def find(self, activations: Activations, *, seed: int, causal: CausalScores | None = None) -> Direction:
        """Draw the directions; if a layer is given, also record its class means, which some edits need."""
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


def build(settings: Settings) -> Random:
    """The method."""
    return Random(settings.seed, settings.count, settings.layer, settings.position)
