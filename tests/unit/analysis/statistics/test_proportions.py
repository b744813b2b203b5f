import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from steadfast.analysis.statistics.proportions import (
    newcombe_interval,
    normal_quantile,
    tango_interval,
    wilson_interval,
)

confidences = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@st.composite
def counts(draw, largest=300):
    trials = draw(st.integers(1, largest))
    return draw(st.integers(0, trials)), trials


@given(counts(), confidences)
def test_wilson_equals_statsmodels_and_scipy(count, confidence):
    successes, trials = count
    low, high = wilson_interval(successes, trials, confidence)
    assert (low, high) == pytest.approx(
        proportion_confint(successes, trials, alpha=1 - confidence, method="wilson"), abs=1e-9
    )
    scipy = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert (low, high) == pytest.approx((scipy.low, scipy.high), abs=1e-9)
    assert 0 <= low <= successes / trials <= high <= 1


def test_wilson_interval_handles_zero_all_and_no_trials():
    low, high = wilson_interval([0, 50, 0], [50, 50, 0])
    assert low[0] == 0.0 and high[1] == 1.0
    assert high[0] == pytest.approx(1 - low[1])
    assert np.isnan(low[2]) and np.isnan(high[2])


def test_wilson_interval_of_25_in_50_is_as_documented():
    low, high = wilson_interval(25, 50)
    assert (round(float(low), 2), round(float(high), 2)) == (0.37, 0.63)


@given(counts(), counts(), confidences)
def test_newcombe_equals_statsmodels(first, second, confidence):
    bounds = newcombe_interval(*first, *second, confidence)
    expected = confint_proportions_2indep(*first, *second, method="newcomb", compare="diff", alpha=1 - confidence)
    assert bounds == pytest.approx(expected, abs=1e-9)


def test_newcombe_reproduces_the_published_example():
    # Newcombe 1998, Statistics in Medicine 17:873, table II: 56/70 against 48/80.
    assert newcombe_interval(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(("gained", "lost", "pairs"), [(1, 0, 44), (12, 2, 14), (3, 11, 50), (20, 20, 60)])
def test_score_at_both_bounds_of_tango_is_normal_quantile(gained, lost, pairs):
    for bound in tango_interval(gained, lost, pairs):
        assert abs(brute_force_score(gained, lost, pairs, bound)) == pytest.approx(normal_quantile(0.95), abs=1e-4)


def brute_force_score(gained, lost, pairs, difference):
    """Score statistic with the constrained maximum found by brute force instead of the closed form."""

    def negative(loss):
        gain = loss + difference
        same = 1 - loss - gain
        parts = [(gained, gain), (lost, loss), (pairs - gained - lost, same)]
        return -sum(count * np.log(max(probability, 1e-300)) for count, probability in parts if count)

    bounds = (max(0.0, -difference), (1 - difference) / 2)
    loss = minimize_scalar(negative, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    variance = pairs * (2 * loss + difference - difference**2)
    return (gained - lost - pairs * difference) / np.sqrt(variance)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 60), confidences)
def test_tango_interval_contains_the_estimate_and_is_symmetric(gained, lost, same, confidence):
    pairs = gained + lost + same
    low, high = tango_interval(gained, lost, pairs, confidence)
    if pairs == 0:
        assert np.isnan(low) and np.isnan(high)
        return
    assert -1 <= low <= (gained - lost) / pairs <= high <= 1
    assert low < high
    assert tango_interval(lost, gained, pairs, confidence) == pytest.approx((-high, -low), abs=1e-7)


def test_tango_interval_without_changes_has_positive_width():
    low, high = tango_interval(0, 0, 50)
    z = normal_quantile(0.95)
    assert (low, high) == pytest.approx((-(z**2) / (50 + z**2), z**2 / (50 + z**2)), abs=1e-6)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -0.5, 95])
def test_confidence_must_be_a_probability(confidence):
    with pytest.raises(ValueError, match="confidence"):
        normal_quantile(confidence)
