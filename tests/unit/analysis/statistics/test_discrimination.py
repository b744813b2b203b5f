import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from steadfast.analysis.statistics.discrimination import auroc

# few distinct scores, so that there are ties
items = st.lists(
    st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40
)


@given(items)
def test_auroc_equals_scikit_learn_under_any_weights(rows):
    scores, positive, *weights = (np.array(column) for column in zip(*rows, strict=True))
    found = auroc(scores / 6, positive, np.array([np.ones(len(rows)), *weights], dtype=float))
    for area, drawn in zip(found, [np.ones(len(rows)), *weights], strict=True):
        kept = drawn > 0
        if len(set(positive[kept].tolist())) < 2:
            assert np.isnan(area)
        else:
            assert area == pytest.approx(roc_auc_score(positive, scores, sample_weight=drawn), abs=1e-12)


@given(items)
def test_reversed_scores_mirror_the_auroc(rows):
    scores, positive, *_ = (np.array(column) for column in zip(*rows, strict=True))
    weights = np.ones((1, len(rows)))
    forward, backward = auroc(scores, positive, weights), auroc(-scores, positive, weights)
    np.testing.assert_allclose(forward, 1 - backward, equal_nan=True)


def test_auroc_handles_perfect_constant_and_empty_scores():
    weights = np.ones((1, 4))
    classes = np.array([True, True, False, False])
    assert auroc(np.array([0.9, 0.8, 0.2, 0.1]), classes, weights)[0] == 1.0
    assert auroc(np.full(4, 0.5), classes, weights)[0] == 0.5
    assert np.isnan(auroc(np.arange(4.0), np.ones(4, bool), weights)[0])
    assert np.isnan(auroc(np.empty(0), np.empty(0, bool), np.ones((1, 0)))[0])
