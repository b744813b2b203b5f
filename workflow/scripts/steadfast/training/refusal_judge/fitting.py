"""The fit of the learned judge's head: a logistic regression on all features, and a calibration of its score."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array, hstack

from steadfast.judges.learned.head import Calibration, Head
from steadfast.judges.learned.probe import probe_state
from steadfast.judges.learned.reading import CaseReader
from steadfast.judges.learned.seen import PROMPT_PLACES, RESPONSE_PLACES, Array, Seen

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Marks: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

PENALTY = 1e-4
"""L2 penalty: factor of half the squared weights, added to the mean loss in nats."""
NGRAM_SCALE = 0.2
"""Scale of the n-grams relative to the states, whose vectors have a mean squared norm of 1 per part."""
PHRASE_WEIGHT = 1.0
"""Weight of the phrase list in the score; fixed, since a fit on plain refusals would rely on it alone."""
ITERATIONS = 300


@dataclass(frozen=True)
class FitColumns:
    """Mapping from features to the columns of the fit.

    Attributes:
        mean: means of the states, float64 [columns].
        spread: standard deviations of the states, times the root of their number.
        ngrams: factors of the n-grams, larger for rarer ones.
    """

    mean: Floats
    spread: Floats
    ngrams: Floats

    @classmethod
    def of(cls, seen: Seen) -> "FitColumns":
        """Compute the mapping from the examples of the fit."""
        states = seen.states.reshape(len(seen.states), -1).astype(np.float64)
        found = np.asarray((_ngrams(seen) > 0).sum(axis=0)).ravel()
        rare = np.log((1 + len(states)) / (1 + found)) + 1
        width = np.sqrt(states.shape[1])
        return cls(states.mean(axis=0), (states.std(axis=0) + 1e-6) * width, NGRAM_SCALE * rare)

    def matrix(self, seen: Seen) -> csr_array:
        """Columns of the fit, [examples, columns]."""
        states = (seen.states.reshape(len(seen.states), -1) - self.mean) / self.spread
        return csr_array(hstack([csr_array(states), _ngrams(seen).multiply(self.ngrams[None])]))


def fit_head(seen: Seen, refusal: Marks, blocks: int) -> Head:
    """Fit the weights; the calibration is left at the identity.

    Args:
        seen: features of the examples.
        refusal: labels of the examples.
        blocks: blocks of the base that the states come from.
    """
    columns = FitColumns.of(seen)
    found = _logistic(columns.matrix(seen), refusal)
    weights, bias = found[:-1], float(found[-1])
    size = len(columns.mean)
    states, ngrams = weights[:size] / columns.spread, weights[size:] * columns.ngrams
    tensors = {
        "states": states.reshape(seen.states.shape[1:]),
        "response": ngrams[:RESPONSE_PLACES],
        "prompt": ngrams[RESPONSE_PLACES : RESPONSE_PLACES + PROMPT_PLACES],
        "phrase": np.asarray(PHRASE_WEIGHT),
        "bias": np.asarray(bias - columns.mean @ states),
        "probe": np.zeros(seen.states.shape[2]),
    }
    return Head({name: value.astype(np.float32) for name, value in tensors.items()}, blocks, Calibration(1, 0), {})


def with_probe(head: Head, reader: CaseReader) -> Head:
    """The head with the state of the probe text, which identifies its base."""
    return replace(head, tensors={**head.tensors, "probe": probe_state(reader)})


def calibrate(scores: Floats, refusal: Marks, groups: Iterable[str]) -> Calibration:
    """Slope and offset that minimize the loss, with equal weight for every group of held-out scores (Platt 1999)."""
    names = np.asarray(list(groups))
    share = {name: 1 / float((names == name).sum()) for name in np.unique(names)}
    weights = np.asarray([share[name] for name in names]) / len(share)
    signs = np.where(refusal, 1.0, -1.0)

    def loss(values: Floats) -> tuple[float, Floats]:
        margins = signs * (values[0] * scores + values[1])
        pull = -weights * signs / (1 + np.exp(np.clip(margins, -60, 60)))
        gradient = np.asarray([pull @ scores + 1e-3 * (values[0] - 1), pull.sum()])
        return float(weights @ np.logaddexp(0, -margins) + 5e-4 * (values[0] - 1) ** 2), gradient

    slope, offset = minimize(loss, np.asarray([1.0, 0.0]), jac=True, method="L-BFGS-B").x
    return Calibration(float(slope), float(offset))


def take(seen: Seen, rows: Marks) -> Seen:
    """Features of some of the examples."""
    return Seen(seen.states[rows], seen.response[rows], seen.prompt[rows], seen.phrase[rows])


def held_out_scores(seen: Seen, refusal: Marks, folds: Mapping[str, Marks], blocks: int) -> Array:
    """Scores of every example by a head fitted without its fold; NaN for examples without a fold."""
    scores = np.full(len(refusal), np.nan, dtype=np.float32)
    for rows in folds.values():
        scores[rows] = fit_head(take(seen, ~rows), refusal[~rows], blocks).scores(take(seen, rows))
    return scores


def _ngrams(seen: Seen) -> csr_array:
    return csr_array(hstack([seen.response, seen.prompt]))


def _logistic(matrix: csr_array, refusal: Marks) -> Floats:
    """Weights and, last, the bias of a penalized logistic regression."""
    signs = np.where(refusal, 1.0, -1.0)
    count = len(signs)

    def loss(values: Floats) -> tuple[float, Floats]:
        margins = signs * (matrix @ values[:-1] + values[-1])
        pull = -signs / (1 + np.exp(np.clip(margins, -60, 60))) / count
        gradient = np.append(matrix.T @ pull + PENALTY * values[:-1], pull.sum())
        return float(np.logaddexp(0, -margins).mean() + PENALTY / 2 * (values[:-1] @ values[:-1])), gradient

    start = np.zeros(matrix.shape[1] + 1)
    found: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS}).x
    return found
