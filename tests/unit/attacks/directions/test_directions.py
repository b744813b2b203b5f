import dataclasses

import numpy as np
import pytest

from steadfast.attacks.activations import ClassActivations
from steadfast.attacks.directions import build_method, check_settings, load_direction, resolve_layer, unit_rows
from steadfast.attacks.directions.finders import States
from steadfast.attacks.directions.methods.mean_difference import MeanDifference
from steadfast.attacks.directions.selection import area_under_curve, held_out_scores
from steadfast.core.errors import ConfigError, DataError


def find(activations, seed=0, **settings):
    return build_method(settings).find(activations, seed=seed)


def test_mean_difference_is_the_normalized_difference_of_float64_means(activations):
    found = find(activations, method="mean_difference", layer=3, position=-1)
    harmful = activations.harmful.blocks[:, 1, 3].astype(np.float64).mean(axis=0)
    harmless = activations.harmless.blocks[:, 1, 3].astype(np.float64).mean(axis=0)
    expected = (harmful - harmless) / np.linalg.norm(harmful - harmless)
    np.testing.assert_allclose(found.directions, expected[None].astype(np.float32), rtol=0, atol=1e-7)
    assert found.directions.dtype == np.float32
    np.testing.assert_allclose(found.tensors["harmful_mean"], harmful, atol=1e-6)
    np.testing.assert_allclose(found.tensors["harmless_means"][3], harmless, atol=1e-6)


def test_means_do_not_drift_with_large_offsets(activations):
    shifted = dataclasses.replace(
        activations,
        harmful=dataclasses.replace(activations.harmful, blocks=activations.harmful.blocks + np.float32(1024)),
        harmless=dataclasses.replace(activations.harmless, blocks=activations.harmless.blocks + np.float32(1024)),
    )
    plain = find(activations, method="mean_difference", layer=3).directions[0]
    assert find(shifted, method="mean_difference", layer=3).directions[0] @ plain > 1 - 1e-6


@pytest.mark.parametrize(
    ("layer", "expected"), [(0.6, "3"), (0.99, "4"), (0.1, "0"), (2, "2"), (-1, "4"), ("final_norm", "final_norm")]
)
def test_layer_is_given_by_fraction_index_or_name(activations, layer, expected):
    assert find(activations, method="mean_difference", layer=layer).layer == expected


def test_fraction_of_depth_is_robust_to_rounding():
    assert [resolve_layer(0.1, 30), resolve_layer(0.7, 10), resolve_layer(0.29, 100)] == [3, 7, 29]


@pytest.mark.parametrize("layer", ["auto", "separation"])
def test_auto_layer_has_the_largest_held_out_separation(activations, layer):
    found = find(activations, method="mean_difference", layer=layer, position="auto")
    assert (found.layer, found.position) == ("3", -1)
    chosen = found.selection[found.selection["selected"]]
    assert len(chosen) == 1
    assert (
        chosen["separation"].iloc[0]
        == found.score
        == found.selection.query("layer != 'final_norm'")["separation"].max()
    )
    assert 4 < found.score < 8  # the classes are six standard deviations apart
    assert len(found.selection) == 2 * 6


def test_auto_layer_respects_a_fixed_position(activations):
    found = find(activations, method="mean_difference", layer="auto", position=-2)
    assert (found.layer, found.position) == ("1", -2)


def test_held_out_scores_do_not_reward_chance(activations):
    grid = find(activations, method="mean_difference", layer="auto", position="auto").selection
    without_signal = grid[~grid["layer"].isin(["3", "1", "final_norm"])]
    assert without_signal["separation"].abs().max() < 1.5
    assert without_signal["accuracy"].between(0.2, 0.8).all()


def test_layer_selection_depends_on_the_seed_only(activations):
    one, two, other = (
        find(activations, seed=seed, method="mean_difference", layer="auto").selection for seed in (1, 1, 2)
    )
    assert one.equals(two)
    assert not one["separation"].equals(other["separation"])


def test_equal_activations_have_zero_separation():
    same = States(np.ones((4, 3)), ("",) * 4)
    scores = held_out_scores(MeanDifference(), (same, same), (same, same))
    assert scores["separation"] == 0
    assert scores["area_under_curve"] == 0.5


def test_area_under_curve_counts_pairs_and_halves_ties():
    assert area_under_curve(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == 3.5 / 4


@pytest.mark.parametrize("layer", [5, -6, 99])
def test_layer_outside_the_model_raises_naming_the_depth(activations, layer):
    with pytest.raises(ConfigError, match="has 5 blocks"):
        find(activations, method="mean_difference", layer=layer)


def test_position_that_was_not_extracted_raises(activations):
    with pytest.raises(DataError, match="extracted positions: -2, -1"):
        find(activations, method="mean_difference", layer=1, position=-5)


def test_too_few_prompts_for_held_out_scores_raise(activations):
    few = activations.harmful.subset(np.arange(3))
    with pytest.raises(DataError, match="at least 4"):
        find(dataclasses.replace(activations, harmful=few), method="mean_difference")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "mean_diference"}, "did you mean 'mean_difference'"),
        ({"method": "mean_difference", "layers": 3}, "did you mean 'layer'"),
        ({"method": "mean_difference", "layer": 1.5}, "layer: 1.5 is not allowed"),
        ({"method": "mean_difference", "layer": "last"}, "final_norm"),
        ({"method": "mean_difference", "layer": True}, "layer"),
        ({"method": "mean_difference", "position": 0}, "position: 0 is not allowed"),
        ({"method": "random", "count": 0}, "count"),
        ({"layer": 3}, "method"),
    ],
)
def test_invalid_direction_settings_are_rejected_without_a_model(settings, message):
    with pytest.raises(ConfigError, match=message):
        check_settings(settings)


def test_random_directions_are_orthonormal_and_seeded(activations):
    found = find(activations, method="random", seed=3, count=4).directions.astype(np.float64)
    np.testing.assert_allclose(found @ found.T, np.eye(4), atol=1e-6)
    np.testing.assert_array_equal(found, find(activations, method="random", seed=3, count=4).directions)
    assert abs(find(activations, method="random", seed=4).directions[0] @ found[0]) < 0.99


def test_direction_round_trips_through_its_file(activations, tmp_path):
    found = find(activations, method="mean_difference", layer="auto")
    found.save(tmp_path / "one.safetensors")
    again = load_direction(tmp_path / "one.safetensors")
    np.testing.assert_array_equal(again.directions, found.directions)
    assert (again.method, again.layer, again.position, again.score) == ("mean_difference", "3", -1, found.score)
    assert set(again.tensors) == set(found.tensors)
    assert list(again.selection["layer"]) == list(found.selection["layer"])
    again.save(tmp_path / "two.safetensors")
    for suffix in (".safetensors", ".csv"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_file_without_directions_is_rejected(activations, tmp_path):
    activations.save(tmp_path / "a.safetensors")
    with pytest.raises(DataError, match="not a direction file"):
        load_direction(tmp_path / "a.safetensors")


def test_unit_rows_keep_the_first_and_reject_dependent_directions():
    rows = unit_rows(np.array([[3.0, 0, 4.0], [1.0, 1.0, 1.0]]))
    np.testing.assert_allclose(rows @ rows.T, np.eye(2), atol=1e-15)
    np.testing.assert_allclose(rows[0], [0.6, 0, 0.8])
    for bad in ([[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0]], [[np.nan, 1.0]]):
        with pytest.raises(DataError):
            unit_rows(np.array(bad))


def test_class_activations_can_be_subset(activations):
    part: ClassActivations = activations.harmful.subset(np.array([4, 1]))
    assert part.prompt_ids == ("1-4", "1-1")
    np.testing.assert_array_equal(part.at("final_norm", 1), activations.harmful.final_norm[[4, 1], 1])
