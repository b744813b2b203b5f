"""Difference of the classes' mean activations, harmful minus harmless (Arditi et al. 2024, section 2.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steadfast.attacks.directions import unit_rows
from steadfast.attacks.directions.contrast import (
    DEFAULT_LAYER,
    DEFAULT_POSITION,
    DEFAULT_RESAMPLES,
    ContrastMethod,
    contrast_method,
)
from steadfast.attacks.directions.finders import Found, States
from steadfast.attacks.directions.selection import LayerSetting, PositionSetting


@dataclass(frozen=True)
class MeanDifference:
    """Unit vector along mean(harmful) - mean(harmless), with float64 means."""

    def find(self, harmful: States, harmless: States) -> Found:
        """One direction."""
        return Found(unit_rows(harmful.mean() - harmless.mean()))

    def settled(self, found: Found) -> "MeanDifference":
        """Nothing is tuned."""
        return self


def build(
    layer: LayerSetting = DEFAULT_LAYER,
    position: PositionSetting = DEFAULT_POSITION,
    resamples: int = DEFAULT_RESAMPLES,
    causal: Mapping[str, Any] | None = None,
) -> ContrastMethod:
    """Build the method.

    Args:
        layer: block index, fraction of the depth, ``auto`` or ``separation`` (largest held-out separation),
            ``causal`` (what it does to the model) or ``final_norm``.
        position: token position counted from the end of the prompt, or ``auto``.
        resamples: bootstrap resamples for the stability of the direction.
        causal: settings of the causal choice, see ``CausalRule``.
    """
    return contrast_method("mean_difference", MeanDifference(), layer, position, resamples, causal)
