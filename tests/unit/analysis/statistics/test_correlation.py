import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steadfast.analysis.statistics.correlation import pearson_matrix

counts = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(2, 12)), elements=st.integers(0, 50))


@given(counts)
def test_pearson_equals_numpy_where_defined(values):
    found = pearson_matrix(values)
    varied = np.ptp(values, axis=1) > 0
    defined = varied[:, None] & varied[None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.atleast_2d(np.corrcoef(values))
    np.testing.assert_allclose(found[defined], expected[defined], atol=1e-9)
    assert np.isnan(found[~defined]).all()
    assert (np.abs(found[defined]) <= 1).all()


@given(counts)
def test_pearson_matrix_treats_leading_axes_independently(values):
    stacked = np.stack([values, values[::-1]])
    np.testing.assert_allclose(pearson_matrix(stacked)[0], pearson_matrix(values), atol=1e-12)


def test_pearson_matrix_without_observations_is_undefined():
    assert np.isnan(pearson_matrix(np.empty((3, 0)))).all()
