"""Methods that find several directions, each against an independent computation."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression

from steadfast.attacks.directions import build_method
from steadfast.attacks.directions.finders import States, canonical_cosine
from steadfast.attacks.directions.methods.mean_difference import MeanDifference
from steadfast.attacks.directions.methods.null_space import NullSpace, probe_of
from steadfast.attacks.directions.methods.paired_subspace import PairedSubspace
from steadfast.attacks.directions.methods.self_organizing_map import SelfOrganizingMap, fit_map, nearest

HIDDEN = 12
METHODS = ("null_space", "paired_subspace", "self_organizing_map")


def states(shift, seed, prompts=30):
    values = np.random.default_rng(seed).standard_normal((prompts, HIDDEN))
    values[:, :3] += shift
    return States(values, ("",) * prompts)


@pytest.fixture
def groups():
    return states([2.0, 1.0, 0.5], 0), states([-2.0, -1.0, -0.5], 1)


@pytest.mark.parametrize("method", METHODS)
def test_methods_give_the_requested_number_of_orthonormal_directions(activations, method):
    settings = {"method": method, "count": 3, "layer": 3, "resamples": 3}
    found = build_method(settings).find(activations, seed=0)
    rows = found.directions.astype(np.float64)
    assert rows.shape[0] == 3
    np.testing.assert_allclose(rows @ rows.T, np.eye(3), atol=1e-6)
    assert rows[0, 2] > 0.8  # the axis that tells the classes apart there, towards the harmful ones
    assert {"harmless_means", "harmful_mean"} <= set(found.tensors)


def test_null_space_projection_agrees_with_probes_by_scikit_learn(groups):
    found = NullSpace(3, probe_of(10.0)).find(*groups)
    signs = np.repeat([1, 0], [len(group.values) for group in groups])
    left = np.concatenate([group.values for group in groups])
    expected = []
    for _ in range(3):
        scale = np.sqrt(((left - left.mean(axis=0)) ** 2).sum(axis=1).mean())
        model = LogisticRegression(C=10.0, tol=1e-10, max_iter=5000)
        weights = model.fit((left - left.mean(axis=0)) / scale, signs).coef_[0]
        expected.append(weights / np.linalg.norm(weights))
        left = left - np.outer(left @ expected[-1], expected[-1])
    np.testing.assert_allclose(np.abs(np.sum(found.rows * expected, axis=1)), 1, atol=1e-4)


def test_null_space_projection_stops_when_nothing_is_left():
    generator = np.random.default_rng(0)
    few = [States(generator.standard_normal((3, HIDDEN)) + sign, ("",) * 3) for sign in (3, -3)]
    rows = NullSpace(50, probe_of(10.0)).find(*few).rows
    assert 1 <= len(rows) <= 5
    np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-8)


def test_paired_subspace_spans_the_singular_vectors(groups):
    harmful, harmless = groups
    found = PairedSubspace(2).find(harmful, harmless.rows(np.arange(20)))
    axes = np.linalg.svd(harmful.values[:20] - harmless.values[:20])[2][:2]
    np.testing.assert_allclose(np.abs(np.sum(found.rows * axes, axis=1)), 1, atol=1e-8)
    assert found.details == {"pairs": 20}
    assert (found.rows @ (harmful.mean() - harmless.values[:20].mean(axis=0)) >= 0).all()


def test_self_organizing_map_of_one_neuron_gives_the_mean_difference(groups):
    found = SelfOrganizingMap(3, 1).find(*groups).rows
    assert found == pytest.approx(MeanDifference().find(*groups).rows)


def test_self_organizing_map_finds_the_clusters(groups):
    generator = np.random.default_rng(2)
    centers = 8 * generator.standard_normal((4, HIDDEN))
    values = np.repeat(centers, [12, 9, 8, 7], axis=0) + 0.1 * generator.standard_normal((36, HIDDEN))
    clusters = KMeans(4, n_init=5, random_state=0).fit(values)
    neurons = fit_map(values, 2)
    gaps = np.linalg.norm(neurons[:, None] - clusters.cluster_centers_[None], axis=-1)
    assert gaps.min(axis=1).max() < 1 and sorted(gaps.argmin(axis=1)) == [0, 1, 2, 3]
    assert sorted(np.bincount(nearest(values, neurons))) == [7, 8, 9, 12]
    found = SelfOrganizingMap(2, 2).find(States(values, ("",) * 36), groups[1])
    assert found.details == {"prompts_of_neurons": [12, 9]}
    span = np.stack([values[:12].mean(axis=0), values[12:21].mean(axis=0)]) - groups[1].mean()
    assert canonical_cosine(found.rows, np.linalg.qr(span.T)[0].T) > 0.999


def test_self_organizing_map_is_deterministic(groups):
    first, second = (SelfOrganizingMap(3, 4).find(*groups).rows for _ in range(2))
    assert (first == second).all() and len(first) == 3
