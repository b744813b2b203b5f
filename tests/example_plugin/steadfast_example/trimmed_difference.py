"""Direction between trimmed means: the classes' mean activations without the most extreme tenth on either side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scipy.stats import trim_mean

from steadfast.attacks.directions import unit_rows
from steadfast.attacks.directions.contrast import DEFAULT_LAYER, DEFAULT_POSITION, ContrastMethod, contrast_method
from steadfast.attacks.directions.finders import Found, States
from steadfast.attacks.directions.selection import LayerSetting, PositionSetting


@dataclass(frozen=True)
class TrimmedDifference:
    """Unit vector along the difference of trimmed means.

    Attributes:
        trimmed: share of the states that is left out at each end, per feature.
    """

    trimmed: float

    def find(self, harmful: States, harmless: States) -> Found:
        """One direction."""
        means = (trim_mean(states.values, self.trimmed) for states in (harmful, harmless))
        return Found(unit_rows(next(means) - next(means)))

    def settled(self, found: Found) -> "TrimmedDifference":
        """Nothing is tuned."""
        return self


def build(
    trimmed: float = 0.1,
    layer: LayerSetting = DEFAULT_LAYER,
    position: PositionSetting = DEFAULT_POSITION,
    resamples: int = 100,
    causal: Mapping[str, Any] | None = None,
) -> ContrastMethod:
    """Build the method; its place is chosen as that of every other direction."""
    return contrast_method("trimmed_difference", TrimmedDifference(trimmed), layer, position, resamples, causal)
