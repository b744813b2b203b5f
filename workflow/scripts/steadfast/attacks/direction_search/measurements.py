"""Measurements of a direction search on the running model: causal scores, and the keys of rank-one edits.

A separate module, so that directions found without running a model do not depend on this code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadfast.attacks.direction_search.keys import rank_one_tensors
from steadfast.attacks.direction_search.refusal_score import ModelAccess, ModelScores


@dataclass(frozen=True)
class ModelMeasurements:
    """Measurements on one model; see ``steadfast.attacks.direction_search.search.Measurements``."""

    access: ModelAccess

    @property
    def scores(self) -> ModelScores:
        """Causal scores of candidates."""
        return ModelScores(self.access)

    def keys(
        self, harmful: Sequence[str], harmless: Sequence[str], layer: int, position: int, seed: int
    ) -> Mapping[str, NDArray[np.float32]]:
        """``key`` and ``key_solved`` of a block; see ``steadfast.attacks.direction_search.keys.rank_one_tensors``."""
        return rank_one_tensors(self.access, harmful, harmless, layer, position, seed)
