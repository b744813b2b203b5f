"""Cluster bootstrap, expressed as weights so that every statistic is one matrix product."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import t as student

from steadfast.analysis.statistics.proportions import normal_quantile, tango_interval, wilson_interval

FloatArray = NDArray[np.float64]

MAX_UNDEFINED = 0.1
"""Share of resamples in which a statistic may be undefined before its interval is withheld."""

ROUNDING = 1e-12
"""A correlation within this distance of 1 or -1 is treated as exactly that."""


def cluster_weights(strata: NDArray[np.integer], resamples: int, rng: np.random.Generator) -> FloatArray:
    """How often each cluster is drawn in each resample.

    Clusters are drawn with replacement within their stratum, so that every resample keeps the number of clusters per
    stratum, which the design of the experiment fixes.

    Args:
        strata: stratum of each cluster, shape [clusters].
        resamples: number of resamples.
        rng: source of randomness.

    Returns:
        Weights, shape [1 + resamples, clusters]; the first row is all ones (the original data). Integers in float64, so
        that matrix products with counts are exact.
    """
    weights = np.ones((resamples + 1, len(strata)))
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        chances = np.full(len(members), 1.0 / len(members))
        weights[1:, members] = rng.multinomial(len(members), chances, size=resamples)
    return weights


def percentile_interval(values: FloatArray, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Percentile interval over the first axis of resampled values.

    Args:
        values: shape [resamples, ...]; NaN marks a resample in which the statistic is undefined.
        confidence: coverage probability.

    Returns:
        Lower and upper bounds, shape [...]; NaN where more than ``MAX_UNDEFINED`` of the resamples are undefined.
    """
    low = np.full(values.shape[1:], np.nan)
    high = np.full(values.shape[1:], np.nan)
    if len(values) == 0:
        return low, high
    tails = [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0]
    undefined = np.isnan(values).mean(axis=0)
    complete = undefined == 0
    partial = (undefined > 0) & (undefined <= MAX_UNDEFINED)
    # nanquantile is slow, so it is applied only to the few columns that need it.
    for columns, quantile in ((complete, np.quantile), (partial, np.nanquantile)):
        if columns.any():
            low[columns], high[columns] = quantile(values[:, columns], tails, axis=0)
    return low, high


def share_interval(
    values: FloatArray, clusters: int, confidence: float = 0.95, *, percentiles: float | None = None
) -> tuple[float, float]:
    """Percentile interval of a share; where all clusters are alike, Wilson's interval over the clusters.

    Resampling clusters that are all alike gives one and the same value, which says nothing about the uncertainty.

    Args:
        values: the share and its resamples, shape [1 + resamples]; NaN where undefined.
        clusters: number of clusters that the share rests on.
        confidence: coverage probability.
        percentiles: level of the percentile interval if it is another, as ``expanded_confidence`` gives.

    Returns:
        Lower and upper bound; NaN where the share or too many resamples are undefined.
    """
    found = _percentiles_unless_alike(values, percentiles or confidence)
    low, high = wilson_interval(values[0] * clusters, clusters, confidence) if found is None else found
    return float(low), float(high)


def change_interval(
    values: FloatArray, clusters: int, confidence: float = 0.95, *, percentiles: float | None = None
) -> tuple[float, float]:
    """The same of a difference of two shares of the same clusters, with Tango's interval where all are alike.

    Args:
        values: the difference and its resamples, shape [1 + resamples]; NaN where undefined.
        clusters: number of clusters that the difference rests on.
        confidence: coverage probability.
        percentiles: level of the percentile interval if it is another, as ``expanded_confidence`` gives.

    Returns:
        Lower and upper bound; NaN where the difference or too many resamples are undefined.
    """
    found = _percentiles_unless_alike(values, percentiles or confidence)
    if found is not None:
        return found
    gained, lost = (round(float(np.clip(sign * values[0], 0, 1)) * clusters) for sign in (1, -1))
    return tango_interval(gained, lost, clusters, confidence)


def _percentiles_unless_alike(values: FloatArray, level: float) -> tuple[float, float] | None:
    """Percentile interval of an estimate, shape [1 + resamples]; None if it is defined and all resamples are alike."""
    low, high = (float(bound[0]) for bound in percentile_interval(values[1:, None], level))
    return None if low == high and not np.isnan(values[0]) else (low, high)


def expanded_confidence(confidence: float, clusters: int) -> float:
    """Level at which a percentile interval over few clusters has approximately the nominal coverage.

    Resampling ``n`` clusters underestimates their spread by √((n−1)/n) and ignores that it is estimated. Hesterberg's
    expanded percentile interval (2015, The American Statistician 69:371) corrects for both: its tails are those that a
    normal distribution has beyond √(n/(n−1)) times the quantile of Student's t with n − 1 degrees of freedom.

    Args:
        confidence: nominal coverage probability.
        clusters: number of clusters; with a single one the level is unchanged.
    """
    if clusters < 2:
        return confidence
    quantile = float(student.ppf((1.0 + confidence) / 2.0, clusters - 1))
    return float(1.0 - 2.0 * ndtr(-quantile * np.sqrt(clusters / (clusters - 1))))


def fisher_interval(values: FloatArray, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Interval of a correlation: its Fisher z plus and minus the normal quantile times the bootstrap's standard error.

    Resampling adds noise to counts, which biases every resampled correlation towards 0; a percentile
    interval of correlations near 1 then lies wholly below the estimate. The spread on the z scale is not affected.

    Args:
        values: shape [1 + resamples, ...]; the first is the estimate.
        confidence: coverage probability.

    Returns:
        Lower and upper bounds, shape [...]; equal to the estimate where it is exactly 1 or -1, and NaN where it or
        more than ``MAX_UNDEFINED`` of the resamples are undefined.
    """
    low, high = values[0].copy(), values[0].copy()
    usable = np.isnan(values[1:]).mean(axis=0) <= MAX_UNDEFINED if len(values) > 1 else np.zeros(low.shape, bool)
    low[~usable], high[~usable] = np.nan, np.nan
    inside = usable & (np.abs(values[0]) < 1.0 - ROUNDING)
    if inside.any():
        scores = np.arctanh(np.clip(values[:, inside], -1.0 + ROUNDING, 1.0 - ROUNDING))
        half = normal_quantile(confidence) * np.nanstd(scores[1:], axis=0, ddof=1)
        low[inside], high[inside] = np.tanh(scores[0] - half), np.tanh(scores[0] + half)
    return low, high
