import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steadfast.analysis.statistics.reliability import coincidences, krippendorff_alpha

# raters × items; NaN is an item that a rater skipped
ratings = arrays(
    np.float64, st.tuples(st.integers(2, 5), st.integers(1, 12)), elements=st.sampled_from([0.0, 1.0, np.nan])
)


def alpha(values):
    return float(krippendorff_alpha(coincidences((values == 1).sum(0) * 1.0, (values == 0).sum(0) * 1.0).sum(0)))


@given(ratings)
def test_alpha_equals_the_krippendorff_package(values):
    rated = values[:, (~np.isnan(values)).sum(axis=0) >= 2]
    if len(np.unique(rated[~np.isnan(rated)])) < 2:
        assert np.isnan(alpha(values))
    else:
        expected = krippendorff.alpha(values, level_of_measurement="nominal", value_domain=[0.0, 1.0])
        assert alpha(values) == pytest.approx(expected, abs=1e-9)


def test_alpha_matches_the_published_example():
    # Krippendorff 2011, section A: two observers, ten units, binary data.
    values = np.array([[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]], float)
    assert alpha(values) == pytest.approx(0.095, abs=5e-4)


def test_complete_agreement_is_one_and_leading_axes_are_kept():
    counts = coincidences(np.array([3.0, 0.0]), np.array([0.0, 3.0]))
    assert krippendorff_alpha(np.stack([counts.sum(0)] * 4)).tolist() == [1.0] * 4
