"""Several directions at once, by harm category or by singular vectors (compare Wollschläger et al. 2025).

Both take the leading right singular vectors of a matrix of differences from the harmless mean: one row per harm
category (the category's mean), or one row per harmful prompt.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from steadfast.attacks.directions.contrast import ContrastMethod, contrast_method
from steadfast.attacks.directions.finders import Found, States, leading_axes, sign_by_means
from steadfast.attacks.directions.settings import ContrastSettings
from steadfast.core.errors import DataError

By = Literal["category", "prompt"]


class Settings(ContrastSettings):
    """Several orthonormal directions."""

    count: int = Field(3, ge=1, le=1000, description="Largest number of directions.")
    by: By = Field("category", description="One mean difference per harm `category`, or per harmful `prompt`.")


@dataclass(frozen=True)
class Subspace:
    """Leading right singular vectors of differences from the harmless mean."""

    count: int
    by: By

    def find(self, harmful: States, harmless: States) -> Found:
        """At most ``count`` directions, fewer if the differences span fewer.

        Raises:
            DataError: the harmful prompts have fewer than two categories (by category only).
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


def build(settings: Settings) -> ContrastMethod:
    """The method.

    Raises:
        ConfigError: its settings contradict each other.
    """
    return contrast_method("subspace", Subspace(settings.count, settings.by), settings)
