"""Rates corrected for the rater's errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from steadfast.analysis.statistics.proportions import normal_quantile

FloatArray = NDArray[np.float64]

LARGEST_ERROR = 1.0
"""Largest possible error of a rate on one item, in absolute value."""


@dataclass(frozen=True)
class Estimate:
    """An estimate with its interval; NaN where it is undefined."""

    value: float
    low: float
    high: float


UNDEFINED = Estimate(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Validation:
    """A proportion estimated from true labels, such as a sensitivity.

    Attributes:
        value: the proportion.
        size: number of independent items behind it; may be fractional (an effective size).
    """

    value: float
    size: float


def rogan_gladen(
    rate: float,
    size: float,
    sensitivity: Validation,
    specificity: Validation,
    confidence: float = 0.95,
) -> Estimate:
    """True rate behind an apparent one (Rogan & Gladen 1978), with the interval of Lang & Reiczigel (2014).

    The interval (Preventive Veterinary Medicine 113:13, eq. 6, 7, 16, 17) includes the uncertainty of all three
    proportions and does not collapse if one of them was measured as 0 or 1.

    Args:
        rate: apparent rate.
        size: number of independent items behind it.
        sensitivity: share of the true *yes* that the rater finds.
        specificity: share of the true *no* that the rater confirms.
        confidence: coverage probability.

    Returns:
        Estimate and bounds clipped to [0, 1]; undefined if the rater is no better than chance
        (sensitivity + specificity ≤ 1) or one of the proportions has no items.
    """
    sizes = (size, sensitivity.size, specificity.size)
    youden = sensitivity.value + specificity.value - 1.0
    if min(sizes) <= 0 or not youden > 0:
        return UNDEFINED
    value = (rate + specificity.value - 1.0) / youden
    z = normal_quantile(confidence)
    items = size + z**2
    smoothed = (size * rate + z**2 / 2) / items
    sensitive, sensitive_items = _add_two(sensitivity)
    specific, specific_items = _add_two(specificity)
    scale = sensitive + specific - 1.0
    if not scale > 0:
        return UNDEFINED
    center = (smoothed + specific - 1.0) / scale
    sensitive_part = sensitive * (1 - sensitive) / sensitive_items
    specific_part = specific * (1 - specific) / specific_items
    shift = 2 * z**2 * (center * sensitive_part - (1 - center) * specific_part)
    variance = smoothed * (1 - smoothed) / items + center**2 * sensitive_part + (1 - center) ** 2 * specific_part
    half = z * np.sqrt(variance) / scale
    low, high = np.clip([center + shift - half, center + shift + half], 0.0, 1.0)
    estimate = float(np.clip(value, 0.0, 1.0))
    # The interval is computed from smoothed proportions; in small samples it can exclude an unsmoothed estimate near 0
    # or 1.
    return Estimate(estimate, min(float(low), estimate), max(float(high), estimate))


def _add_two(validation: Validation) -> tuple[float, float]:
    """Proportion and number of items after adding one success and one failure."""
    items = validation.size + 2.0
    return (validation.size * validation.value + 1.0) / items, items


def tuning_weight(
    truths: FloatArray,
    labeled_predictions: FloatArray,
    predictions: FloatArray | None = None,
    *,
    share: float,
    sampling_weights: FloatArray | None = None,
) -> float:
    """Weight of the predictions: λ of PPI++ (Angelopoulos, Duchi & Zrnic 2023, arXiv 2311.01453), in [0, 1].

    λ = cov(y, f) / ((1 + n/N)·var(f)).

    Args:
        truths: labels, shape [n].
        labeled_predictions: predictions for the labeled items, shape [n].
        predictions: predictions for all items, shape [N], whose variance is var(f); None takes the labeled ones. λ is
            then based on the slope of y on f among the labeled items, which stays near 1 for an accurate rater even if
            they are few and similar.
        share: n/N of the estimates that will use λ.
        sampling_weights: how many items each labeled one represents, shape [n]; None if all are equal.
    """
    weights = np.ones(len(truths)) if sampling_weights is None else sampling_weights
    varying = labeled_predictions if predictions is None else predictions
    # a variance of exactly 0 must stay 0 despite rounding of the means
    if not weights.sum() > 0 or not len(varying) or not np.ptp(varying) > 0:
        return 0.0
    weights = weights / weights.sum()
    deviations = labeled_predictions - weights @ labeled_predictions
    variance = float(weights @ deviations**2 if predictions is None else np.var(predictions))
    covariance = weights @ ((truths - weights @ truths) * deviations)
    return float(np.clip(covariance / ((1.0 + share) * variance), 0.0, 1.0))


def prediction_powered_mean(
    predictions: FloatArray,
    truths: FloatArray,
    labeled_predictions: FloatArray,
    *,
    weight: float = 1.0,
    sampling_weights: FloatArray | None = None,
    pseudo_errors: float = 0.0,
) -> tuple[float, float, float]:
    """Mean of the truth from many predictions and few labels (Angelopoulos et al. 2023, Science 382:669; PPI++).

    θ = λ·mean(f) + mean(y − λ·f), with the variance λ²·var(f)/N + var(y − λ·f)/n.

    Args:
        predictions: predictions for the population, shape [N].
        truths: labels, shape [n], n ≥ 1.
        labeled_predictions: predictions for the labeled items, shape [n].
        weight: λ; 1 is the estimator of the Science paper, 0 ignores the predictions.
        sampling_weights: how many items of the population each labeled one represents, shape [n]; None if all are
            equal.
        pseudo_errors: number of errors of the largest size added to the variance of the labeled part (not to the
            estimate). Without them, a few labels that all agree with the predictions would imply predictions without
            errors.

    Returns:
        Estimate, standard error, and the degrees of freedom of the labeled part.
    """
    weights = np.ones(len(truths)) if sampling_weights is None else sampling_weights
    rectifier = truths - weight * labeled_predictions
    correction = float(weights @ rectifier / weights.sum())
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    squares = float(effective * (weights @ (rectifier - correction) ** 2) / weights.sum())
    freedom = effective - 1.0 + pseudo_errors
    spread = (squares + pseudo_errors * LARGEST_ERROR**2) / freedom if freedom > 0 else float("nan")
    population = float(np.var(predictions, ddof=1)) / len(predictions) if len(predictions) > 1 else 0.0
    error = float(np.sqrt(weight**2 * population + spread / effective))
    return weight * float(predictions.mean()) + correction, error, freedom


def student_interval(
    value: float, error: float, freedom: float, confidence: float, limits: tuple[float, float]
) -> Estimate:
    """Interval of Student's t around an estimate, clipped to ``limits``; undefined without degrees of freedom."""
    if not freedom > 0 or np.isnan(error):
        return UNDEFINED
    half = float(student.ppf(0.5 + confidence / 2.0, freedom)) * error
    value, low, high = np.clip([value, value - half, value + half], *limits)
    return Estimate(float(value), float(low), float(high))
