"""Several directions by iterative null-space projection (Ravfogel et al. 2020; Rocchetti and Ferrara 2026).

A linear probe separates the two groups of prompts; its direction is projected out of the states, and the next probe is
fitted to the remainder. The directions are the probes' weights in this order, as unit rows; they are orthogonal, since
each lies in the remainder of the earlier ones.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from steadfast.attacks.directions import unit_rows
from steadfast.attacks.directions.contrast import ContrastMethod, contrast_method
from steadfast.attacks.directions.finders import Found, States, sign_by_means
from steadfast.attacks.directions.logistic_regression import USUAL_INVERSE_STRENGTH
from steadfast.attacks.directions.methods.probe import Probe
from steadfast.attacks.directions.settings import ContrastSettings

LEAST_NEW = 0.5
"""Least length of a later probe's unit vector outside the span of the earlier ones; it is 1 up to rounding."""


class Settings(ContrastSettings):
    """The weights of several probes, each fitted without the earlier directions (iterative null-space projection)."""

    search_rank: ClassVar[int | None] = 3

    count: int = Field(3, ge=1, le=1000, description="Number of directions.")
    inverse_strength: float = Field(
        USUAL_INVERSE_STRENGTH,
        gt=0,
        le=1e9,
        description=(
            "C (inverse regularization strength) of every probe. With a small C the first probe is the difference "
            "of means, and no further direction remains."
        ),
    )


@dataclass(frozen=True)
class NullSpace:
    """A sequence of probes.

    Attributes:
        count: their number; fewer if the states have fewer dimensions.
        probe: finds each of them.
    """

    count: int
    probe: Probe

    def find(self, harmful: States, harmless: States) -> Found:
        """At most ``count`` directions, with the projection on the first at which its probe is undecided."""
        first = self.probe.find(harmful, harmless)
        rows = first.rows
        groups = harmful, harmless
        room = min(self.count, len(harmful.values) + len(harmless.values) - 1, harmful.values.shape[1])
        while len(rows) < room:
            left = [replace(group, values=group.values - (group.values @ rows.T) @ rows) for group in groups]
            with np.errstate(invalid="ignore", divide="ignore"):
                found = self.probe.find(*left).rows
            own = found[0] - (found[0] @ rows.T) @ rows
            if not np.linalg.norm(own) > LEAST_NEW:  # the probe found nothing, or only rounding errors of earlier ones
                break
            rows = unit_rows(np.concatenate([rows, found]))
        # a later probe may have either sign; the first one separates the groups
        signed = np.concatenate([rows[:1], sign_by_means(rows[1:], harmful.mean(), harmless.mean())])
        return Found(signed, first.threshold)

    def settled(self, found: Found) -> "NullSpace":
        """Nothing is tuned."""
        return self


def probe_of(inverse_strength: float) -> Probe:
    """A probe with fixed regularization."""
    return Probe(2, (inverse_strength,))


def build(settings: Settings) -> ContrastMethod:
    """The method.

    Raises:
        ConfigError: its settings contradict each other.
    """
    return contrast_method("null_space", NullSpace(settings.count, probe_of(settings.inverse_strength)), settings)
