"""The study's statistics on plain arrays: part of the Python API."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steadfast.analysis.statistics import confusion, reliability
from steadfast.analysis.statistics.bootstrap import cluster_weights, percentile_interval
from steadfast.analysis.statistics.correction import Estimate, Validation, rogan_gladen
from steadfast.analysis.statistics.proportions import tango_interval, wilson_interval
from steadfast.analysis.statistics.significance import holm, mcnemar_exact

__all__ = [
    "Interval",
    "PairedChange",
    "cohen_kappa",
    "corrected_rate",
    "holm",
    "krippendorff_alpha",
    "paired_change",
    "wilson",
]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval; NaN where it is undefined.

    Attributes:
        value: the estimate.
        low: lower bound.
        high: upper bound.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class PairedChange:
    """A change of a rate on the same prompts.

    Attributes:
        change: rate after minus rate before, in [-1, 1].
        low: lower bound of Tango's score interval.
        high: its upper bound.
        bootstrap_low: lower bound of the percentile interval over resampled prompts.
        bootstrap_high: its upper bound.
        gained: number of prompts that are a success only after.
        lost: number of prompts that are a success only before.
        pairs: number of prompts with both values.
        p: two-sided p-value of the exact McNemar test.
    """

    change: float
    low: float
    high: float
    bootstrap_low: float
    bootstrap_high: float
    gained: int
    lost: int
    pairs: int
    p: float

    def __str__(self) -> str:
        interval = f"{self.change:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"
        return f"{interval}, {self.gained} gained and {self.lost} lost of {self.pairs}, p = {self.p:.2g}"


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """A rate with its Wilson score interval (Wilson 1927).

    Args:
        successes: count, at most ``trials``.
        trials: number of trials; without any the rate and its bounds are NaN.
        confidence: coverage probability, between 0 and 1.

    Raises:
        ValueError: the counts or the confidence are out of range.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must lie between 0 and trials; found {successes} of {trials}")
    low, high = wilson_interval(successes, trials, confidence)
    return Interval(successes / trials if trials else float("nan"), float(low), float(high))


def paired_change(
    before: ArrayLike, after: ArrayLike, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> PairedChange:
    """Change of a rate on the same prompts, with one response each.

    Args:
        before: whether each prompt was a success (e.g. refused) before: 0 or 1, shape [prompts]; NaN or None if
            unscored.
        after: the same prompts afterwards, in the same order.
        confidence: coverage probability of the intervals.
        resamples: bootstrap resamples of prompts.
        seed: seed of the bootstrap.

    Returns:
        The change with Tango's score interval (Tango 1998, Statistics in Medicine 17:891), a percentile bootstrap
        interval over prompts, and the exact McNemar test. Prompts that are unscored on either side are ignored; if none
        remain, all numbers are NaN.

    Raises:
        ValueError: the arrays differ in shape, or contain other values than 0, 1 and NaN.
    """
    first, second = _binary(before, "before"), _binary(after, "after")
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"before and after must be of one length; found {first.shape} and {second.shape}")
    scored = ~np.isnan(first) & ~np.isnan(second)
    if not scored.any():
        nan = float("nan")
        return PairedChange(nan, nan, nan, nan, nan, 0, 0, 0, nan)
    changes = second[scored] - first[scored]
    gained, lost, pairs = int((changes > 0).sum()), int((changes < 0).sum()), len(changes)
    low, high = tango_interval(gained, lost, pairs, confidence)
    weights = cluster_weights(np.zeros(pairs, dtype=np.int64), resamples, np.random.default_rng(seed))
    resampled = weights[1:] @ changes / pairs
    bootstrap_low, bootstrap_high = percentile_interval(resampled[:, None], confidence)
    return PairedChange(
        float(changes.mean()),
        low,
        high,
        float(bootstrap_low[0]),
        float(bootstrap_high[0]),
        gained,
        lost,
        pairs,
        float(mcnemar_exact(gained, lost)),
    )


def corrected_rate(
    rate: float,
    size: float,
    *,
    sensitivity: tuple[float, float],
    specificity: tuple[float, float],
    confidence: float = 0.95,
) -> Interval:
    """The true rate behind a rate measured by an imperfect judge (Rogan & Gladen 1978, Lang & Reiczigel 2014).

    Args:
        rate: share of responses that the judge called refusals, in [0, 1].
        size: number of independent responses behind it.
        sensitivity: share of true refusals that the judge finds, and the number of true refusals that it was measured
            on.
        specificity: share of non-refusals that the judge labels as such, and the number of non-refusals that it was
            measured on.
        confidence: coverage probability.

    Returns:
        Estimate and bounds in [0, 1]; NaN where the judge is no better than chance.
    """
    found: Estimate = rogan_gladen(rate, size, Validation(*sensitivity), Validation(*specificity), confidence)
    return Interval(found.value, found.low, found.high)


def cohen_kappa(first: ArrayLike, second: ArrayLike) -> float:
    """Cohen's κ of two raters (Cohen 1960).

    Args:
        first: 0 or 1 per item, shape [items]; NaN or None if unscored.
        second: labels of the other rater, in the same order.

    Returns:
        κ in [-1, 1] on the items that both scored; NaN if it is undefined (no such item, or both always give the same
        single answer).

    Raises:
        ValueError: the arrays differ in shape, or contain other values than 0, 1 and NaN.
    """
    one, other = _binary(first, "first"), _binary(second, "second")
    if one.shape != other.shape:
        raise ValueError(f"both raters must have rated the same items; found shapes {one.shape} and {other.shape}")
    # comparisons with NaN are false, so unscored items are in no cell
    cells = [((one == left) & (other == right)).sum() for left, right in ((1, 1), (1, 0), (0, 1), (0, 0))]
    return float(confusion.cohen_kappa(np.array(cells, dtype=np.float64)))


def krippendorff_alpha(ratings: ArrayLike) -> float:
    """Krippendorff's α of any number of raters, for nominal data of two categories (Krippendorff 2011).

    Args:
        ratings: 0 or 1, shape [raters, items]; NaN or None where a rater skipped an item.

    Returns:
        α, at most 1; NaN where no item has two ratings or all ratings are the same.

    Raises:
        ValueError: the array does not have two axes, or contains other values than 0, 1 and NaN.
    """
    values = _binary(ratings, "ratings")
    if values.ndim != 2:
        raise ValueError(f"ratings must have the shape [raters, items]; found {values.shape}")
    yes, no = ((values == answer).sum(axis=0).astype(np.float64) for answer in (1, 0))
    return float(reliability.krippendorff_alpha(reliability.coincidences(yes, no).sum(axis=0)))


def _binary(values: ArrayLike, name: str) -> FloatArray:
    """Zeros, ones and NaN as float64.

    Raises:
        ValueError: there are other values.
    """
    array = np.asarray(values, dtype=object)
    numbers: FloatArray = np.array([np.nan if value is None else value for value in array.ravel()], dtype=np.float64)
    wrong = ~np.isnan(numbers) & ~np.isin(numbers, (0.0, 1.0))
    if wrong.any():
        raise ValueError(f"{name}: {numbers[wrong][0]:g} is not allowed; allowed: 0, 1, and NaN for unscored")
    return numbers.reshape(array.shape)
