"""Leading singular vectors of paired differences: a harmful prompt's state minus a harmless one's (Gülmez 2025).

The paper removes them by the ridge-regularized projection Rᵀ(RRᵀ + λI)⁻¹R, with the directions as the rows of R. The
rows are orthonormal, so the projection is RᵀR/(1 + λ): an edit with the scale 1/(1 + λ).
"""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from steadfast.attacks.directions.contrast import ContrastMethod, contrast_method
from steadfast.attacks.directions.finders import Found, States, leading_axes, sign_by_means
from steadfast.attacks.directions.settings import ContrastSettings


class Settings(ContrastSettings):
    """Leading singular vectors of the differences between pairs of a harmful and a harmless prompt."""

    search_rank: ClassVar[int | None] = 4

    count: int = Field(3, ge=1, le=1000, description="Largest number of directions.")


@dataclass(frozen=True)
class PairedSubspace:
    """Leading right singular vectors of the differences between the n-th prompts of the two groups."""

    count: int

    def find(self, harmful: States, harmless: States) -> Found:
        """At most ``count`` directions; unpaired prompts of the larger group are dropped."""
        pairs = min(len(harmful.values), len(harmless.values))
        axes = leading_axes(harmful.values[:pairs] - harmless.values[:pairs], self.count)
        return Found(sign_by_means(axes, harmful.mean(), harmless.mean()), details={"pairs": pairs})

    def settled(self, found: Found) -> "PairedSubspace":
        """Nothing is tuned."""
        return self


def build(settings: Settings) -> ContrastMethod:
    """The method.

    Raises:
        ConfigError: its settings contradict each other.
    """
    return contrast_method("paired_subspace", PairedSubspace(settings.count), settings)
