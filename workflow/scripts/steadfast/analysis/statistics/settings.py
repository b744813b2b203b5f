"""Settings of inference: confidence, power and resampling."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Inference:
    """Settings that intervals, tests and resampling share.

    Attributes:
        confidence: coverage probability of intervals; one minus it is the level of tests.
        resamples: bootstrap resamples.
        seed: seed of the resampling.
        power: chance of finding a change that a sample size is computed for.
    """

    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 0
    power: float = 0.8

    def rng(self) -> np.random.Generator:
        """A fresh source of randomness; the same one every time."""
        return np.random.default_rng(self.seed)
