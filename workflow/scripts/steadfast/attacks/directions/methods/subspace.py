"""Several directions at once, by harm category or by singular vectors (compare Wollschläger et al. 2025).

Both take the leading right singular vectors of a matrix of differences from the harmless mean: one row per harm
category (the category's mean), or one row per harmful prompt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from steadfast.attacks.directions.contrast import (
    DEFAULT_LAYER,
    DEFAULT_POSITION,
    DEFAULT_RESAMPLES,
    ContrastMethod,
    contrast_method,
)
from steadfast.attacks.directions.finders import Found, States, leading_axes, sign_by_means
from steadfast.attacks.directions.selection import LayerSetting, PositionSetting
from steadfast.core.errors import ConfigError, DataError, UnknownNameError

By = Literal["category", "prompt"]
WAYS: tuple[By, ...] = ("category", "prompt")


@dataclass(frozen=True)
class Subspace:
    """Leading right singular vectors of differences from the harmless mean."""

    count: int
    by: By

    def find(self, harmful: States, harmless: States) -> Found:
        """At most ``count`` directions, as many as the differences span.

        Raises:
            DataError: by category, and the harmful prompts have fewer than two categories.
        """
        rows = category_means(harmful) if self.by == "category" else harmful.values
        axes = leading_axes(rows - harmless.mean(), self.count)
        return Found(sign_by_means(axes, harmful.mean(), harmless.mean()), details={"rows": len(rows)})

    def settled(self, found: Found) -> "Subspace":
        """Nothing is tuned."""
        return self


def category_means(states: States) -> NDArray[np.float64]:
    """Mean state of each category [categories, hidden], categories in alphabetical order.

    Raises:
        DataError: fewer than two categories.
    """
    names = sorted(set(states.categories) - {""})
    if len(names) < 2:
        raise DataError(
            f"subspace by category needs harmful prompts of at least two categories; found {names or 'none'}"
        )
    labels = np.array(states.categories)
    return np.stack([states.values[labels == name].mean(axis=0) for name in names])


def build(
    count: int = 3,
    by: By = "category",
    layer: LayerSetting = DEFAULT_LAYER,
    position: PositionSetting = DEFAULT_POSITION,
    resamples: int = DEFAULT_RESAMPLES,
    causal: Mapping[str, Any] | None = None,
) -> ContrastMethod:
    """Build the method.

    Args:
        count: largest number of directions.
        by: one difference per harm ``category``, or per harmful ``prompt``.
        layer: as in ``mean_difference``, like the rest.
        position: the same.
        resamples: the same.
        causal: the same.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ConfigError(f"count: {count!r} must be an integer of at least 1")
    if by not in WAYS:
        raise UnknownNameError("way (by)", by, WAYS)
    return contrast_method("subspace", Subspace(count, by), layer, position, resamples, causal)
