"""Edits against plain float64 formulas on random matrices, whole or in blocks, in either memory order."""

import numpy as np
import pytest

from steadfast.attacks.directions import Direction
from steadfast.attacks.edits import Site, build_edit, check_settings
from steadfast.core.errors import ConfigError, DataError
from steadfast.models.architectures import Writer

HIDDEN, INPUTS, DEPTH = 12, 7, 5
GENERATOR = np.random.default_rng(0)
WEIGHT = GENERATOR.standard_normal((HIDDEN, INPUTS))
ROWS = np.linalg.qr(GENERATOR.standard_normal((HIDDEN, 2)))[0].T
MEANS = {
    "harmful_mean": GENERATOR.standard_normal(HIDDEN),
    "harmless_mean": GENERATOR.standard_normal(HIDDEN),
    "harmful_means": GENERATOR.standard_normal((DEPTH, HIDDEN)),
    "harmless_means": GENERATOR.standard_normal((DEPTH, HIDDEN)),
}


def direction(count=1, **changes):
    settings = {"method": "mean_difference", "layer": "2", "position": -1, "tensors": MEANS, **changes}
    return Direction(ROWS[:count].astype(np.float32), **settings)


def writer(layer=3, target="mlp_output", **changes):
    return Writer("weight", target, layer, axis=0, **changes)


def apply(settings, found, weight=WEIGHT, layer=3, gain=None, block=3, by_inputs=False, **changes):
    """Edit a matrix as the baking does, in blocks of rows or of columns; return it and the update."""
    site = Site(writer(layer, **changes), DEPTH, *weight.shape, gain)
    update = build_edit(settings).update(site, found)
    edited = np.array(weight, order="F" if by_inputs else "C")
    length = weight.shape[by_inputs]
    slices = [slice(start, min(start + block, length)) for start in range(0, length, block)]
    blocks = [(slice(0, HIDDEN), part) if by_inputs else (part, slice(0, weight.shape[1])) for part in slices]
    for outputs, inputs in blocks:
        update.observe(edited[outputs, inputs], outputs, inputs)
    for outputs, inputs in blocks:
        part = np.array(edited[outputs, inputs], order="F" if by_inputs else "C")
        edited[outputs, inputs] = update.factors().change(part, outputs, inputs, 2.0**-54)
    projection = update.new_projection()
    for outputs, inputs in blocks:
        update.project(edited[outputs, inputs], outputs, inputs, projection)
    np.testing.assert_allclose(projection, update.target(), atol=1e-12)
    return edited, update


def exact_rows(count):
    rows = ROWS[:count].astype(np.float32).astype(np.float64)
    return np.linalg.qr(rows.T)[0].T


@pytest.mark.parametrize("by_inputs", [False, True])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("scale", [1.0, 0.3, 2.0, 0.0])
def test_orthogonalize_removes_the_scaled_projection(by_inputs, count, scale):
    edited, update = apply({"method": "orthogonalize", "scale": scale}, direction(count), by_inputs=by_inputs)
    rows = exact_rows(count)
    np.testing.assert_allclose(edited, WEIGHT - scale * rows.T @ (rows @ WEIGHT), atol=1e-13)
    np.testing.assert_allclose((update.before() ** 2).sum(), ((rows @ WEIGHT) ** 2).sum())


@pytest.mark.parametrize("by_inputs", [False, True])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_norm_preserving_keeps_column_norms_and_removes_the_direction(by_inputs, scale):
    edited, _ = apply({"method": "norm_preserving", "scale": scale}, direction(2), by_inputs=by_inputs)
    rows = exact_rows(2)
    np.testing.assert_allclose(np.linalg.norm(edited, axis=0), np.linalg.norm(WEIGHT, axis=0), rtol=1e-12)
    plain = WEIGHT - scale * rows.T @ (rows @ WEIGHT)
    np.testing.assert_allclose(
        edited, plain * np.linalg.norm(WEIGHT, axis=0) / np.linalg.norm(plain, axis=0), atol=1e-12
    )
    if scale == 1:
        assert np.abs(rows @ edited).max() < 1e-12


def test_norm_preserving_zeroes_a_column_parallel_to_the_direction():
    weight = WEIGHT.copy()
    weight[:, 2] = 5 * exact_rows(1)[0]
    edited, _ = apply({"method": "norm_preserving"}, direction(), weight)
    assert np.abs(edited[:, 2]).max() < 1e-12
    assert np.isfinite(edited).all()


def test_projected_removes_the_harmless_mean_from_the_direction_first():
    edited, _ = apply({"method": "projected"}, direction())
    mean = MEANS["harmless_mean"] / np.linalg.norm(MEANS["harmless_mean"])
    r = exact_rows(1)[0] - (exact_rows(1)[0] @ mean) * mean
    r /= np.linalg.norm(r)
    np.testing.assert_allclose(edited, WEIGHT - np.outer(r, r @ WEIGHT), atol=1e-12)
    np.testing.assert_allclose(mean @ edited, mean @ WEIGHT, atol=1e-12)


def test_biprojected_also_spares_the_harmless_mean_of_the_edited_layer():
    edited, _ = apply({"method": "biprojected"}, direction(), layer=4)
    for mean in (MEANS["harmless_mean"], MEANS["harmless_means"][4]):
        np.testing.assert_allclose(mean @ edited, mean @ WEIGHT, atol=1e-12)
    other = MEANS["harmless_means"][1]
    assert np.abs(other @ edited - other @ WEIGHT).max() > 1e-2
    assert np.linalg.matrix_rank(edited - WEIGHT, tol=1e-10) == 1


def test_biprojected_with_equal_means_equals_projected():
    same = {**MEANS, "harmless_means": np.tile(MEANS["harmless_mean"], (DEPTH, 1))}
    one, _ = apply({"method": "projected"}, direction(tensors=same))
    two, _ = apply({"method": "biprojected"}, direction(tensors=same))
    np.testing.assert_allclose(one, two, atol=1e-9)


def test_projected_and_norm_preserving_combine():
    edited, _ = apply({"method": "projected", "preserve_norm": True}, direction())
    np.testing.assert_allclose(np.linalg.norm(edited, axis=0), np.linalg.norm(WEIGHT, axis=0), rtol=1e-12)


def test_a_direction_without_class_means_cannot_be_projected():
    with pytest.raises(DataError, match="'random' has no class means"):
        apply({"method": "projected"}, direction(method="random", tensors={}))


def test_edit_before_a_norm_removes_the_direction_after_it():
    gain = GENERATOR.uniform(0.5, 2, HIDDEN)
    edited, _ = apply({"method": "orthogonalize"}, direction(2), gain=gain)
    outputs = edited @ GENERATOR.standard_normal((INPUTS, 20))
    written = gain[:, None] * outputs / np.sqrt((outputs**2).mean(axis=0))
    assert np.abs(exact_rows(2) @ written).max() < 1e-12


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_rank_one_maps_the_key_to_the_target_value(scale):
    keys = GENERATOR.standard_normal((50, INPUTS))
    moment = keys.T @ keys / 50
    key = GENERATOR.standard_normal(INPUTS)
    solved = np.linalg.solve(moment, key)
    tensors = {**MEANS, "key": key, "key_solved": solved}
    found = direction(tensors=tensors, details={"keys_layer": 3})
    edited, _ = apply({"method": "rank_one", "layer": 3, "scale": scale}, found)
    shift = scale * (MEANS["harmless_means"][3] - MEANS["harmful_means"][3])
    np.testing.assert_allclose(edited @ key, WEIGHT @ key + shift, atol=1e-12)
    np.testing.assert_allclose(edited, WEIGHT + np.outer(shift, solved) / (key @ solved), atol=1e-12)
    # of all matrices that answer k* so, this one changes the answers to the keys least
    rival = WEIGHT + np.outer(shift, key) / (key @ key)
    assert np.linalg.norm((edited - WEIGHT) @ keys.T) <= np.linalg.norm((rival - WEIGHT) @ keys.T)


@pytest.mark.parametrize(
    ("details", "changes", "message"),
    [
        ({}, {}, "without keys_layer"),
        ({"keys_layer": 1}, {}, "keys of block 1"),
        ({"keys_layer": 3}, {"expert": True}, "several experts"),
    ],
)
def test_rank_one_rejects_unsuitable_directions_and_writers(details, changes, message):
    found = direction(tensors={**MEANS, "key": np.ones(INPUTS), "key_solved": np.ones(INPUTS)}, details=details)
    with pytest.raises((ConfigError, DataError), match=message):
        apply({"method": "rank_one", "layer": 3}, found, **changes)


def test_rank_one_selects_one_projection():
    edit = build_edit({"method": "rank_one", "layer": -2})
    chosen = [
        (layer, target, bias)
        for layer in range(DEPTH)
        for target in ("attention_output", "mlp_output")
        for bias in (False, True)
        if edit.selects(writer(layer, target, bias=bias), DEPTH)
    ]
    assert chosen == [(3, "mlp_output", False)]
    with pytest.raises(ConfigError, match="5 blocks"):
        build_edit({"method": "rank_one", "layer": 5}).selects(writer(), DEPTH)


def test_kernel_weights_the_scale_by_depth():
    settings = {"method": "orthogonalize", "scale": 0.8, "kernel": {"peak": 0.5, "width": 0.25, "edge": 0.5}}
    edit = build_edit(settings)
    assert [edit.selects(writer(layer), DEPTH) for layer in range(DEPTH)] == [False, True, True, True, False]
    r = exact_rows(1)[0]
    for layer, share in ((1, 0.4), (2, 0.8), (3, 0.4)):
        edited, _ = apply(settings, direction(), layer=layer)
        np.testing.assert_allclose(r @ edited, (1 - share) * (r @ WEIGHT), atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"skip_first": 2}, [2, 3, 4]),
        ({"layers": [1, 3]}, [1, 2, 3]),
        ({"layers": [-2, -1]}, [3, 4]),
        ({"layers": [0, 3], "skip_first": 1}, [1, 2, 3]),
    ],
)
def test_layers_and_skip_first_select_the_blocks(settings, expected):
    edit = build_edit({"method": "orthogonalize", **settings})
    assert [layer for layer in range(DEPTH) if edit.selects(writer(layer), DEPTH)] == expected


def test_targets_select_the_writers():
    edit = build_edit({"method": "orthogonalize", "targets": ["embedding", "attention_output"], "skip_first": 1})
    assert edit.selects(writer(None, "embedding"), DEPTH)
    assert edit.selects(writer(1, "attention_output"), DEPTH)
    assert not edit.selects(writer(1, "mlp_output"), DEPTH)


def test_rescaled_edit_multiplies_the_scale():
    twice = build_edit({"method": "orthogonalize", "scale": 0.3}).rescaled(2)
    assert twice == build_edit({"method": "orthogonalize", "scale": 0.6})
    with pytest.raises(ConfigError, match="preserves norms"):
        build_edit({"method": "norm_preserving"}).rescaled(2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "ortogonalize"}, "did you mean 'orthogonalize'"),
        ({"method": "orthogonalize", "target": ["embedding"]}, "did you mean 'targets'"),
        ({"method": "orthogonalize", "targets": ["mlp"]}, "targets.0: 'mlp' is not allowed"),
        ({"method": "orthogonalize", "targets": []}, "should be non-empty"),
        ({"method": "orthogonalize", "targets": "mlp_output"}, "not of type array"),
        ({"method": "orthogonalize", "scale": "strong"}, "scale"),
        ({"method": "orthogonalize", "scale": float("nan")}, "scale"),
        ({"method": "orthogonalize", "skip_first": -1}, "skip_first"),
        ({"method": "orthogonalize", "layers": [1]}, "First and last block"),
        ({"method": "orthogonalize", "kernel": {"peek": 0.5}}, "did you mean 'peak'"),
        ({"method": "orthogonalize", "kernel": {"width": 0}}, "width above 0"),
        ({"method": "projected", "preserve_norm": 1}, "not of type boolean"),
        ({"method": "rank_one", "layer": 1.5}, "index"),
    ],
)
def test_invalid_edit_settings_are_rejected_without_a_model(settings, message):
    with pytest.raises(ConfigError, match=message):
        check_settings(settings)


def test_missing_required_setting_is_named():
    with pytest.raises(ConfigError, match="'layer'"):
        check_settings({"method": "rank_one"})


def test_settings_that_select_no_block_are_rejected():
    edit = build_edit({"method": "orthogonalize", "skip_first": 5})
    with pytest.raises(ConfigError, match="leave no block"):
        edit.selects(writer(), DEPTH)
