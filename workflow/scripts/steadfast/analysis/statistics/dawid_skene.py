"""Dawid and Skene (1979): the error rates of several judges, and the true labels, from the judges' votes alone.

Each judge has its own confusion matrix, and errs independently of the others given the true label. The matrices, the
prevalence of the labels and the probability of each label for each item are estimated by expectation maximization,
initialized with the vote shares.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Votes = NDArray[np.int8]

TOLERANCE = 1e-8
MAXIMUM = 1000
# replaces the log of a zero probability, which would make labels incomparable
_TINY = 1e-300


@dataclass(frozen=True)
class DawidSkene:
    """A fitted model.

    Attributes:
        prevalence: share of each label, shape [labels].
        confusion: probability that a judge says a label, given the true one, shape [judges, true, indicators].
        iterations: number of steps of expectation maximization.
        converged: whether the last step changed less than the tolerance.
    """

    prevalence: FloatArray
    confusion: FloatArray
    iterations: int
    converged: bool

    def posterior(self, votes: Votes) -> FloatArray:
        """Probability of each label for each item.

        Args:
            votes: number of the label that each judge gave, shape [items, judges]; negative where it gave none.

        Returns:
            Shape [items, labels]; NaN for items without a vote.
        """
        found = _posterior(_one_hot(votes, len(self.prevalence)), self.prevalence, self.confusion)
        found[(votes < 0).all(axis=1)] = np.nan
        return found


def fit_dawid_skene(
    votes: Votes, labels: int = 2, *, smoothing: float = 0.5, maximum: int = MAXIMUM, tolerance: float = TOLERANCE
) -> DawidSkene:
    """Fit the model; equal votes are processed once, so that the cost does not grow with the number of items.

    Args:
        votes: number of the label that each judge gave, shape [items, judges]; negative where it gave none. Items
            without a vote are ignored.
        labels: number of labels.
        smoothing: pseudo-count added to each cell of each judge's confusion matrix, so that a judge without observed
            errors does not count as infallible.
        maximum: maximum number of steps.
        tolerance: change of a probability below which the fit has converged.
    """
    patterns, counts = np.unique(votes[(votes >= 0).any(axis=1)], axis=0, return_counts=True)
    indicators = _one_hot(patterns, labels)
    given = indicators.sum(axis=1)
    truth = given / given.sum(axis=1, keepdims=True)
    fitted = DawidSkene(*_parameters(indicators, truth, counts, smoothing), 0, not len(patterns))
    for step in range(1, maximum + 1):
        if fitted.converged:
            break
        parameters = _parameters(indicators, truth, counts, smoothing)
        truth, before = _posterior(indicators, *parameters), truth
        fitted = DawidSkene(*parameters, step, bool(np.abs(truth - before).max() < tolerance))
    return fitted


def _one_hot(votes: Votes, labels: int) -> FloatArray:
    """One-hot votes, shape [items, judges, labels]; all zeros for a missing vote."""
    indicators: FloatArray = (votes[:, :, None] == np.arange(labels)).astype(np.float64)
    return indicators


def _parameters(
    indicators: FloatArray, truth: FloatArray, counts: NDArray[np.int64], smoothing: float
) -> tuple[FloatArray, FloatArray]:
    """Maximum-likelihood prevalence and confusion matrices, given probabilities of the true labels."""
    weighted = truth * counts[:, None]
    totals = weighted.sum(axis=0)
    labels = indicators.shape[2]
    even = np.full(labels, 1.0 / labels)
    prevalence = totals / totals.sum() if totals.sum() else even
    cells = np.einsum("it,ijs->jts", weighted, indicators) + smoothing
    whole = cells.sum(axis=2, keepdims=True)
    return prevalence, np.divide(cells, whole, out=np.broadcast_to(even, cells.shape).copy(), where=whole > 0)


def _posterior(indicators: FloatArray, prevalence: FloatArray, confusion: FloatArray) -> FloatArray:
    logs = np.log(np.maximum(prevalence, _TINY)) + np.einsum(
        "ijs,jts->it", indicators, np.log(np.maximum(confusion, _TINY))
    )
    likely = np.exp(logs - logs.max(axis=1, keepdims=True))
    found: FloatArray = likely / likely.sum(axis=1, keepdims=True)
    return found
