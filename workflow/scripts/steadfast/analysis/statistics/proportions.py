"""Intervals for proportions and differences of proportions that are valid for small counts and at 0 and 1."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

FloatArray = NDArray[np.float64]


def normal_quantile(confidence: float) -> float:
    """Two-sided standard normal quantile: 1.96 for a confidence of 0.95.

    Raises:
        ValueError: ``confidence`` is not strictly between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie strictly between 0 and 1, not {confidence}")
    return float(ndtri(0.5 + confidence / 2.0))


def wilson_interval(successes: ArrayLike, trials: ArrayLike, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Wilson score interval of a proportion (Wilson 1927), elementwise.

    ``successes`` may be fractional, for a rate with fewer independent units than observations.

    Args:
        successes: counts, any shape that broadcasts with ``trials``.
        trials: number of trials; where it is 0 both bounds are NaN.
        confidence: coverage probability.

    Returns:
        Lower and upper bounds in [0, 1], float64.
    """
    z = normal_quantile(confidence)
    count, total = np.broadcast_arrays(np.asarray(successes, float), np.asarray(trials, float))
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = count / total
        center = (rate + z**2 / (2 * total)) / (1 + z**2 / total)
        half = z / (1 + z**2 / total) * np.sqrt(rate * (1 - rate) / total + z**2 / (4 * total**2))
    low, high = np.clip(center - half, 0.0, 1.0), np.clip(center + half, 0.0, 1.0)
    # At the ends the bound is exact; rounding must not push it past the rate itself.
    return np.where(count == 0, np.where(total > 0, 0.0, np.nan), low), np.where(
        count == total, np.where(total > 0, 1.0, np.nan), high
    )


def newcombe_interval(
    successes: ArrayLike,
    trials: ArrayLike,
    baseline_successes: ArrayLike,
    baseline_trials: ArrayLike,
    confidence: float = 0.95,
) -> tuple[FloatArray, FloatArray]:
    """Hybrid score interval for a difference of independent proportions (Newcombe 1998, method 10), elementwise.

    The difference is ``successes / trials - baseline_successes / baseline_trials``.

    Returns:
        Lower and upper bounds in [-1, 1]; NaN where one of the trials is 0.
    """
    low, high = wilson_interval(successes, trials, confidence)
    baseline_low, baseline_high = wilson_interval(baseline_successes, baseline_trials, confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.asarray(successes, float) / np.asarray(trials, float)
        baseline = np.asarray(baseline_successes, float) / np.asarray(baseline_trials, float)
    change = rate - baseline
    return (
        change - np.hypot(rate - low, baseline_high - baseline),
        change + np.hypot(high - rate, baseline - baseline_low),
    )


def tango_interval(gained: int, lost: int, pairs: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval for a difference of paired proportions (Tango 1998, Statistics in Medicine 17:891).

    Unlike a bootstrap interval, it does not collapse to a point if no pair changed.

    Args:
        gained: number of pairs that are a success only after.
        lost: number of pairs that are a success only before.
        pairs: number of all pairs, including concordant ones.
        confidence: coverage probability.

    Returns:
        Bounds of (gained - lost) / pairs in [-1, 1]; NaN twice without pairs.
    """
    if pairs == 0:
        return float("nan"), float("nan")
    z = normal_quantile(confidence)
    estimate = (gained - lost) / pairs

    def statistic(difference: float) -> float:
        # Maximum likelihood of the probability of a loss under the hypothesised difference (Tango, eq. 9).
        slope = -gained - lost + (2 * pairs - gained + lost) * difference
        constant = -lost * difference * (1 - difference)
        loss = (np.sqrt(max(slope**2 - 8 * pairs * constant, 0.0)) - slope) / (4 * pairs)
        variance = pairs * (2 * loss + difference * (1 - difference))
        return float((gained - lost - pairs * difference) / np.sqrt(max(variance, 1e-12)))

    edge = 1.0 - 1e-9
    low = -1.0 if lost == pairs else brentq(lambda d: statistic(d) - z, -edge, estimate)
    high = 1.0 if gained == pairs else brentq(lambda d: statistic(d) + z, estimate, edge)
    return float(low), float(high)
