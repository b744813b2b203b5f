import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact as scipy_fisher
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from steadfast.analysis.statistics.significance import fisher_exact, holm, mcnemar_exact

small = st.integers(0, 60)


@given(small, small)
def test_mcnemar_equals_statsmodels(gained, lost):
    expected = mcnemar([[10, gained], [lost, 10]], exact=True).pvalue
    assert mcnemar_exact(gained, lost) == pytest.approx(min(expected, 1.0))


def test_mcnemar_is_elementwise_and_one_without_change():
    np.testing.assert_allclose(mcnemar_exact([0, 6, 0], [0, 0, 6]), [1.0, 0.03125, 0.03125])


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=15))
@pytest.mark.slow
def test_holm_equals_statsmodels(values):
    np.testing.assert_allclose(holm(values), multipletests(values, method="holm")[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10), st.integers(0, 5))
def test_holm_ignores_missing_tests(values, missing):
    padded = holm([np.nan] * missing + values)
    assert np.isnan(padded[:missing]).all()
    np.testing.assert_allclose(padded[missing:], holm(values))


def test_holm_of_no_tests_is_empty():
    assert holm([]).shape == (0,)
    assert np.isnan(holm([np.nan])).all()


def test_nine_discordant_pairs_survive_holm_over_ten_models():
    assert holm([float(mcnemar_exact(9, 0)), *[1.0] * 9])[0] < 0.05
    assert holm([float(mcnemar_exact(8, 0)), *[1.0] * 9])[0] > 0.05


@given(small, small, small, small)
def test_fisher_equals_scipy(a, b, c, d):
    value = fisher_exact(a, a + b, c, c + d)
    if a + b == 0 or c + d == 0:
        assert np.isnan(value)
    else:
        assert value == pytest.approx(scipy_fisher([[a, b], [c, d]])[1])
