"""Difference of means of the activations, harmful minus harmless (Arditi et al. 2024, section 2.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from steadfast.attacks.directions import unit_rows
from steadfast.attacks.directions.contrast import ContrastMethod, contrast_method
from steadfast.attacks.directions.finders import Found, States
from steadfast.attacks.directions.settings import ContrastSettings

NAME = __name__.rpartition(".")[2]


class Settings(ContrastSettings):
    """Difference of means of the activations (Arditi et al. 2024)."""

    search_rank: ClassVar[int | None] = 1
    usual: ClassVar[Mapping[str, Any]] = {"layer": 0.6}


@dataclass(frozen=True)
class MeanDifference:
    """Unit vector along mean(harmful) - mean(harmless), with float64 means."""

    def find(self, harmful: States, harmless: States) -> Found:
        """One direction."""
        return Found(unit_rows(harmful.mean() - harmless.mean()))

    def settled(self, found: Found) -> "MeanDifference":
        """Nothing is tuned."""
        return self


def build(settings: Settings) -> ContrastMethod:
    """The method.

    Raises:
        ConfigError: its settings contradict each other.
    """
    return contrast_method(NAME, MeanDifference(), settings)
