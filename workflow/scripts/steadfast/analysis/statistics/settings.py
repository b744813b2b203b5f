"""Settings of inference: confidence, power and resampling."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Inference:
    """Settings that intervals, tests and resampling share.

    Attributes:
        confidence: coverage probability of intervals; tests use the level 1 − ``confidence``.
        resamples: bootstrap resamples.
        seed: seed of the resampling.
        power: probability of detecting a change, for sample sizes.
    """

    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 0
    power: float = 0.8

    def rng(self) -> np.random.Generator:
        """A new random generator, with the same seed every time."""
        return np.random.default_rng(self.seed)
