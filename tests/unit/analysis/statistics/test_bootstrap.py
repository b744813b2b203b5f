import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadfast.analysis.statistics.bootstrap import (
    change_interval,
    cluster_weights,
    expanded_confidence,
    fisher_interval,
    percentile_interval,
    share_interval,
)
from steadfast.analysis.statistics.proportions import tango_interval, wilson_interval


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.integers(0, 50), st.integers(0, 2**32))
def test_every_resample_keeps_the_number_of_clusters_per_stratum(strata, resamples, seed):
    strata = np.array(strata)
    weights = cluster_weights(strata, resamples, np.random.default_rng(seed))
    assert weights.shape == (resamples + 1, len(strata))
    assert (weights[0] == 1).all()
    assert (weights >= 0).all() and (weights == weights.round()).all()
    for stratum in np.unique(strata):
        assert (weights[:, strata == stratum].sum(axis=1) == (strata == stratum).sum()).all()


def test_resampled_means_have_the_right_mean_and_spread():
    rng = np.random.default_rng(1)
    values = rng.normal(size=200)
    weights = cluster_weights(np.zeros(200, int), 4000, rng)[1:]
    means = weights @ values / 200
    assert means.mean() == pytest.approx(values.mean(), abs=0.005)
    assert means.std() == pytest.approx(values.std() / np.sqrt(200), rel=0.05)


def test_percentile_interval_equals_quantiles_and_tolerates_a_few_undefined_resamples():
    values = np.random.default_rng(0).normal(size=(1000, 3))
    values[:50, 1] = np.nan
    values[:150, 2] = np.nan
    low, high = percentile_interval(values, 0.9)
    assert (low[0], high[0]) == pytest.approx(tuple(np.quantile(values[:, 0], [0.05, 0.95])))
    assert (low[1], high[1]) == pytest.approx(tuple(np.quantile(values[50:, 1], [0.05, 0.95])))
    assert np.isnan(low[2]) and np.isnan(high[2])


def test_interval_without_resamples_is_undefined():
    assert all(np.isnan(bound).all() for bound in percentile_interval(np.empty((0, 2))))
    assert all(np.isnan(bound).all() for bound in fisher_interval(np.ones((1, 2)) * 0.5))


def test_fisher_interval_contains_an_estimate_above_its_resamples():
    draws = np.random.default_rng(0).normal(3.0, 0.1, size=2000)
    values = np.tanh(np.concatenate([[3.4], draws]))[:, None]
    low, high = fisher_interval(values)
    assert low[0] < values[0, 0] < high[0] < 1
    assert np.arctanh(high[0]) - np.arctanh(low[0]) == pytest.approx(2 * 1.96 * 0.1, rel=0.05)
    assert percentile_interval(values[1:])[1][0] < values[0, 0]


def test_fisher_interval_handles_one_and_undefined_values():
    values = np.ones((100, 3))
    values[:, 1] = np.nan
    values[1:40, 2] = np.nan
    low, high = fisher_interval(values)
    assert low[0] == high[0] == 1.0
    assert np.isnan(low[1:]).all() and np.isnan(high[1:]).all()


def test_few_clusters_raise_the_confidence_level():
    levels = [expanded_confidence(0.95, clusters) for clusters in (2, 3, 5, 10, 100_000)]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] == pytest.approx(0.95, abs=1e-4)
    assert expanded_confidence(0.95, 1) == 0.95
    # t(0.975; 4) = 2.776, times sqrt(5 / 4) = 3.104, beyond which a normal variable lies with probability 0.00191
    assert levels[2] == pytest.approx(1 - 0.00191, abs=1e-5)


def test_constant_shares_get_score_intervals_over_clusters():
    constant = np.zeros(101)
    assert share_interval(constant, 20) == pytest.approx((0.0, float(wilson_interval(0, 20)[1])))
    assert share_interval(constant, 20)[1] > 0.1
    assert change_interval(constant, 20) == pytest.approx(tango_interval(0, 0, 20))
    assert change_interval(constant - 1.0, 20) == pytest.approx(tango_interval(0, 20, 20))


def test_varying_and_undefined_shares_get_percentile_intervals():
    values = np.concatenate([[0.5], np.linspace(0, 1, 101)])
    for interval in (share_interval, change_interval):
        assert interval(values, 20) == pytest.approx((0.025, 0.975))
        assert np.isnan(interval(np.full(11, np.nan), 20)).all()
        assert np.isnan(interval(values[:1], 20)).all()
