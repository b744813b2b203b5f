"""First principal components of the pooled activations of both labels, signs fixed by the class means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from steadfast.attacks.directions.contrast import (
    DEFAULT_LAYER,
    DEFAULT_POSITION,
    DEFAULT_RESAMPLES,
    ContrastMethod,
    contrast_method,
)
from steadfast.attacks.directions.finders import Found, States, leading_axes, sign_by_means
from steadfast.attacks.directions.selection import LayerSetting, PositionSetting
from steadfast.core.errors import ConfigError


@dataclass(frozen=True)
class PrincipalComponents:
    """Leading right singular vectors of the pooled states minus their mean."""

    count: int

    def find(self, harmful: States, harmless: States) -> Found:
        """At most ``count`` directions."""
        pooled = np.concatenate([harmful.values, harmless.values])
        rows = leading_axes(pooled - pooled.mean(axis=0), self.count)
        return Found(sign_by_means(rows, harmful.mean(), harmless.mean()))

    def settled(self, found: Found) -> "PrincipalComponents":
        """Nothing is tuned."""
        return self


def build(
    count: int = 1,
    layer: LayerSetting = DEFAULT_LAYER,
    position: PositionSetting = DEFAULT_POSITION,
    resamples: int = DEFAULT_RESAMPLES,
    causal: Mapping[str, Any] | None = None,
) -> ContrastMethod:
    """Build the method; ``count`` is the number of components, the rest is as in ``mean_difference``."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ConfigError(f"count: {count!r} must be an integer of at least 1")
    return contrast_method("pca", PrincipalComponents(count), layer, position, resamples, causal)
