"""Exact tests of a change of refusals, and correction for testing many models."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr
from scipy.stats import fisher_exact as scipy_fisher_exact

FloatArray = NDArray[np.float64]


def mcnemar_exact(gained: ArrayLike, lost: ArrayLike) -> FloatArray:
    """Two-sided exact McNemar test (binomial test on the discordant pairs), elementwise.

    Args:
        gained: pairs that changed one way.
        lost: pairs that changed the other way.

    Returns:
        p-values; 1 where no pair changed.
    """
    first, second = np.broadcast_arrays(np.asarray(gained, np.int64), np.asarray(lost, np.int64))
    tail: FloatArray = bdtr(np.minimum(first, second).astype(float), first + second, 0.5)
    return np.minimum(1.0, 2.0 * tail)


def fisher_exact(successes: int, trials: int, baseline_successes: int, baseline_trials: int) -> float:
    """Two-sided Fisher test that two independent proportions are equal; NaN if either has no trials."""
    if trials == 0 or baseline_trials == 0:
        return float("nan")
    table = np.array(
        [[successes, trials - successes], [baseline_successes, baseline_trials - baseline_successes]], dtype=np.int64
    )
    return float(scipy_fisher_exact(table).pvalue)


def holm(p_values: ArrayLike) -> FloatArray:
    """Holm's step-down adjusted p-values of one family (Holm 1979).

    Args:
        p_values: shape [tests]; NaN marks a test that could not be computed and is not part of the family.

    Returns:
        Adjusted p-values in the order given, NaN where the input is NaN.
    """
    values = np.asarray(p_values, float)
    adjusted = np.full(values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return adjusted
