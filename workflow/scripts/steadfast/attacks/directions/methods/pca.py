"""First principal components of the pooled activations of both labels, with signs from the class means."""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from steadfast.attacks.directions.contrast import ContrastMethod, contrast_method
from steadfast.attacks.directions.finders import Found, States, leading_axes, sign_by_means
from steadfast.attacks.directions.settings import ContrastSettings


class Settings(ContrastSettings):
    """Principal components of the pooled, mean-centered activations, signed by the class means."""

    count: int = Field(1, ge=1, le=1000, description="Number of components.")


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


def build(settings: Settings) -> ContrastMethod:
    """The method.

    Raises:
        ConfigError: its settings contradict each other.
    """
    return contrast_method("pca", PrincipalComponents(settings.count), settings)
