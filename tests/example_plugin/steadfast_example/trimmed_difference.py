"""Direction between the trimmed means of both prompt labels, without the most extreme states."""

from dataclasses import dataclass

from pydantic import Field
from scipy.stats import trim_mean

from steadfast.attacks.directions import unit_rows
from steadfast.attacks.directions.contrast import ContrastMethod, contrast_method
from steadfast.attacks.directions.finders import Found, States
from steadfast.attacks.directions.settings import ContrastSettings


class Settings(ContrastSettings):
    """Difference of the trimmed means of both prompt labels."""

    trimmed: float = Field(
        0.1, ge=0, lt=0.5, description="Share of the states that is excluded at each end, per feature."
    )


@dataclass(frozen=True)
class TrimmedDifference:
    """Unit vector along the difference of trimmed means.

    Attributes:
        trimmed: share of the states that is excluded at each end, per feature.
    """

    trimmed: float

    def find(self, harmful: States, harmless: States) -> Found:
        """One direction."""
        means = (trim_mean(states.values, self.trimmed) for states in (harmful, harmless))
        return Found(unit_rows(next(means) - next(means)))

    def settled(self, found: Found) -> "TrimmedDifference":
        """Nothing is tuned."""
        return self


def build(settings: Settings) -> ContrastMethod:
    """The method; layer and position are selected as for every other direction."""
    return contrast_method("trimmed_difference", TrimmedDifference(settings.trimmed), settings)
