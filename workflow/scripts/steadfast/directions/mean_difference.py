"""Difference of the classes' mean activations, harmful minus harmless (Arditi et al. 2024, equation 1)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadfast.activations import Activations
from steadfast.directions import Direction, class_statistics, unit_rows
from steadfast.directions._selection import LayerSetting, PositionSetting, check_layer, check_position, choose


@dataclass(frozen=True)
class MeanDifference:
    """Unit vector along mean(harmful) - mean(harmless), with float64 means."""

    layer: LayerSetting
    position: PositionSetting

    def find(self, activations: Activations, *, seed: int) -> Direction:
        """Choose the place, then take the difference over all calibration prompts there."""
        choice = choose(activations, mean_difference, layer=self.layer, position=self.position, seed=seed)
        index = activations.position_index(choice.position)
        states = activations.harmful.at(choice.layer, index), activations.harmless.at(choice.layer, index)
        return Direction(
            mean_difference(*states).astype(np.float32),
            method="mean_difference",
            layer=str(choice.layer),
            position=choice.position,
            score=choice.score,
            tensors=class_statistics(activations, choice.layer, index),
            selection=choice.grid,
        )


def mean_difference(harmful: NDArray[np.float64], harmless: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit row [1, hidden] from the mean of ``harmless`` to the mean of ``harmful``."""
    return unit_rows(harmful.mean(axis=0) - harmless.mean(axis=0))


def build(layer: LayerSetting = 0.6, position: PositionSetting = -1) -> MeanDifference:
    """Build the method.

    Args:
        layer: block index, fraction of the depth, ``auto`` (largest held-out separation) or ``final_norm``.
        position: token position counted from the end of the prompt, or ``auto``.
    """
    check_layer(layer)
    check_position(position)
    return MeanDifference(layer, position)
