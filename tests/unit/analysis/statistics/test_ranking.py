import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kendalltau

from steadfast.analysis.statistics.ranking import kendall_matrix

values = arrays(np.float64, st.tuples(st.just(3), st.integers(2, 10)), elements=st.integers(0, 6))


@given(values)
def test_tau_equals_scipy_where_defined(rows):
    found = kendall_matrix(rows / 7)
    for first in range(3):
        for second in range(3):
            expected = kendalltau(rows[first], rows[second]).statistic
            np.testing.assert_allclose(found[first, second], expected, atol=1e-12)


def test_kendall_matrix_keeps_leading_axes_and_needs_two_observations():
    rows = np.random.default_rng(0).random((4, 3, 6))
    np.testing.assert_allclose(kendall_matrix(rows)[2], kendall_matrix(rows[2]))
    assert np.isnan(kendall_matrix(np.ones((2, 1)))).all()
