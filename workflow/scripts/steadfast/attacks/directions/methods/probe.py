"""The weight vector of a linear probe: logistic regression, its regularization chosen by cross-validation.

The weights minimize ½‖w‖² + C·Σ log(1 + exp(−y(wᵀx + b))) over states x that are centered and divided by one number,
their root mean square deviation; scaling each feature would rotate the direction.

C is selected by the separation of held-out prompts along the weights, and not by their log loss: if the classes are
separable, longer weights lower the loss without rotating, so the loss would always select the largest C.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from steadfast.attacks.directions.contrast import ContrastMethod, contrast_method
from steadfast.attacks.directions.finders import Found, States
from steadfast.attacks.directions.logistic_regression import fit_logistic, reduce, standard
from steadfast.attacks.directions.selection import sensitivity
from steadfast.attacks.directions.settings import ContrastSettings


class Settings(ContrastSettings):
    """The weights of a logistic probe of the two labels."""

    search_rank: ClassVar[int | None] = 2

    folds: int = Field(5, ge=2, le=1000, description="Folds of the cross-validation that chooses the regularization.")


INVERSE_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6)


@dataclass(frozen=True)
class Probe:
    """A logistic probe.

    Attributes:
        folds: folds of the cross-validation; a prompt's fold is its index in its class modulo their number.
        inverse_strengths: candidates for C, in ascending order.
    """

    folds: int
    inverse_strengths: tuple[float, ...] = INVERSE_STRENGTHS

    def find(self, harmful: States, harmless: States) -> Found:
        """One direction, with the projection at which the probe is undecided."""
        states = np.concatenate([harmful.values, harmless.values])
        signs = np.repeat([1.0, -1.0], [len(harmful.values), len(harmless.values)])
        folds = np.concatenate([np.arange(len(group.values)) % self.folds for group in (harmful, harmless)])
        center, scale = standard(states)
        reduced, axes = reduce((states - center) / scale)
        inverse_strength = self._best(reduced, signs, folds)
        weights, intercept = fit_logistic(reduced, signs, inverse_strength)
        direction = axes.T @ weights
        length = np.linalg.norm(direction)
        unit = direction / length
        threshold = float(center @ unit - intercept * scale / length)
        at_edge = inverse_strength in (self.inverse_strengths[0], self.inverse_strengths[-1])
        return Found(unit[None], threshold, tuned={"inverse_strength": inverse_strength, "at_edge": at_edge})

    def settled(self, found: Found) -> "Probe":
        """The probe with the inverse strength that was chosen."""
        return replace(self, inverse_strengths=(float(found.tuned["inverse_strength"]),))

    def _best(self, states: NDArray[np.float64], signs: NDArray[np.float64], folds: NDArray[np.intp]) -> float:
        """The smallest candidate whose held-out separation is within a standard error of the best."""
        if len(self.inverse_strengths) == 1:
            return self.inverse_strengths[0]
        places = np.zeros((len(self.inverse_strengths), len(signs)))
        for fold in range(self.folds):
            held_out = folds == fold
            start = None
            for index, inverse_strength in enumerate(self.inverse_strengths):
                start = fit_logistic(states[~held_out], signs[~held_out], inverse_strength, start)
                places[index, held_out] = along(start[0], states[~held_out], signs[~held_out], states[held_out])
        positive = signs > 0
        separations = np.array([sensitivity(row[positive], row[~positive]) for row in places])
        best = float(separations.max())
        least = best - sensitivity_error(best, int(positive.sum()), int((~positive).sum()))
        return self.inverse_strengths[int(np.argmax(separations >= least))]


def along(
    weights: NDArray[np.float64],
    fitted: NDArray[np.float64],
    signs: NDArray[np.float64],
    states: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Positions [prompts] of ``states`` along a weight vector, comparable between folds.

    Distances, counted from the middle between the means of the two classes of ``fitted``: the intercept of a strongly
    regularized probe mainly reflects the class imbalance.
    """
    unit = weights / max(float(np.linalg.norm(weights)), np.finfo(np.float64).tiny)
    middle = sum((fitted[signs == sign] @ unit).mean() for sign in (1, -1)) / 2
    found: NDArray[np.float64] = states @ unit - middle
    return found


def sensitivity_error(value: float, first: int, second: int) -> float:
    """Standard error of a sensitivity index d′ from two groups of these sizes (Hedges & Olkin 1985)."""
    return float(np.sqrt(1 / first + 1 / second + value**2 / (2 * (first + second))))


def build(settings: Settings) -> ContrastMethod:
    """The method.

    Raises:
        ConfigError: its settings contradict each other.
    """
    return contrast_method("probe", Probe(settings.folds), settings)
