import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, matthews_corrcoef, recall_score

from steadfast.analysis.statistics.confusion import METRICS, coverage

ratings = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def table_of(pairs):
    return np.array(
        [
            sum(1 for a, b in pairs if a and b),
            sum(1 for a, b in pairs if a and not b),
            sum(1 for a, b in pairs if b and not a),
            sum(1 for a, b in pairs if not a and not b),
        ],
        float,
    )


def same(value, expected):
    return value == pytest.approx(expected, abs=1e-12)


@given(ratings)
def test_all_measures_equal_scikit_learn_where_defined(pairs):
    table = table_of(pairs)
    first, second = [list(column) for column in zip(*pairs, strict=True)]
    found = {name: float(metric(table)) for name, metric in METRICS.items()}
    assert same(found["accuracy"], accuracy_score(second, first))
    varied = len({*first}) == 2, len({*second}) == 2
    if len({*first, *second}) == 2:
        assert same(found["cohen_kappa"], cohen_kappa_score(first, second))
    else:
        assert np.isnan(found["cohen_kappa"])
    if all(varied):
        assert same(found["mcc"], matthews_corrcoef(second, first))
    else:
        assert np.isnan(found["mcc"])
    if any(first) or any(second):
        assert same(found["f1"], f1_score(second, first))
    else:
        assert np.isnan(found["f1"])
    if any(second):
        assert same(found["sensitivity"], recall_score(second, first))
    else:
        assert np.isnan(found["sensitivity"])
    if not all(second):
        assert same(found["specificity"], recall_score(second, first, pos_label=False))
    else:
        assert np.isnan(found["specificity"])


@given(ratings)
def test_symmetric_measures_do_not_depend_on_the_order_of_raters(pairs):
    table = table_of(pairs)
    for name in ("accuracy", "cohen_kappa", "mcc", "f1"):
        np.testing.assert_equal(METRICS[name](table[[0, 2, 1, 3]]), METRICS[name](table))


def test_constant_rater_has_kappa_zero_and_undefined_mcc():
    table = table_of([(True, True)] * 6 + [(True, False)] * 4)
    assert METRICS["cohen_kappa"](table) == 0.0
    assert np.isnan(METRICS["mcc"](table))


def test_measures_without_ratings_are_undefined():
    assert all(np.isnan(metric(np.zeros(4))) for metric in METRICS.values())
    assert np.isnan(coverage(np.zeros(4), np.array(0.0)))


def test_measures_keep_leading_axes():
    tables = np.arange(24.0).reshape(2, 3, 4)
    assert all(metric(tables).shape == (2, 3) for metric in METRICS.values())
    assert METRICS["f1"](tables)[1, 2] == METRICS["f1"](tables[1, 2])
