import numpy as np
import pandas as pd
import pytest
import torch

from steadfast.attacks.activations.extraction import decoder_blocks
from steadfast.attacks.directions import Direction
from steadfast.attacks.interventions import build_hook, check_settings, preparation
from steadfast.core.errors import ConfigError, DataError
from steadfast.models.loading import load_model

GENERATOR = np.random.default_rng(0)
ROWS = np.linalg.qr(GENERATOR.standard_normal((16, 2)))[0].T
MEANS = {
    "harmful_mean": GENERATOR.standard_normal(16),
    "harmless_mean": GENERATOR.standard_normal(16),
    "harmless_norm": np.array([2.5]),
}
TOKENS = torch.arange(3, 12)[None]


def direction(count=1, layer="1", tensors=MEANS):
    return Direction(ROWS[:count].astype(np.float32), "mean_difference", layer=layer, position=-1, tensors=tensors)


@pytest.fixture(scope="module")
def model(checkpoint):
    return load_model(checkpoint, device="cpu")


def states(model):
    """Residual stream after each block [layers, tokens, hidden]."""
    seen = []
    handles = [
        block.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
        for block in decoder_blocks(model)
    ]
    with torch.no_grad():
        model(TOKENS)
    for handle in handles:
        handle.remove()
    return torch.cat(seen).double().numpy()


def test_projection_removes_the_directions_and_is_reversible(model):
    before = states(model)
    with build_hook({"method": "projection"}).attach(model, direction(2)):
        during = states(model)
    assert np.abs(during @ ROWS.T).max() < 1e-6 < 1e-3 < np.abs(before @ ROWS.T).max()
    np.testing.assert_array_equal(states(model), before)


def test_projection_of_some_blocks_keeps_writes_of_others(model):
    with build_hook({"method": "projection", "targets": ["attention_output", "mlp_output"], "layers": [2, 2]}).attach(
        model, direction()
    ):
        during = states(model)
    before = states(model)
    np.testing.assert_array_equal(during[:2], before[:2])
    written = (during[2] - during[1]) @ ROWS[0]
    assert np.abs(written).max() < 1e-6 < np.abs((before[2] - before[1]) @ ROWS[0]).max()


def test_hooks_are_removed_when_the_model_fails(model):
    before = [dict(module._forward_hooks) for module in model.modules()]
    with pytest.raises(KeyboardInterrupt), build_hook({"method": "projection"}).attach(model, direction()):
        raise KeyboardInterrupt
    assert [dict(module._forward_hooks) for module in model.modules()] == before


@pytest.mark.parametrize(("settings", "layer"), [({}, 1), ({"layer": 2}, 2), ({"layer": 0.4}, 1), ({"layer": -3}, 0)])
def test_addition_adds_the_class_difference_at_one_block(model, settings, layer):
    before = states(model)
    with build_hook({"method": "activation_addition", "alpha": -0.5, **settings}).attach(model, direction(2)):
        during = states(model)
    difference = MEANS["harmful_mean"] - MEANS["harmless_mean"]
    expected = -0.5 * ROWS.T @ (ROWS @ difference)
    np.testing.assert_allclose(during[layer] - before[layer], np.tile(expected, (9, 1)), atol=1e-5)
    np.testing.assert_array_equal(during[:layer], before[:layer])


def test_addition_can_scale_by_the_activation_norm(model):
    before = states(model)
    hook = build_hook({"method": "activation_addition", "alpha": 2, "unit": "state"})
    with hook.attach(model, direction(tensors={"harmless_norm": np.array([2.5])})):
        during = states(model)
    np.testing.assert_allclose(during[1] - before[1], np.tile(5 * ROWS[0], (9, 1)), atol=1e-5)


def test_addition_rejects_an_unsuitable_direction(model):
    hook = build_hook({"method": "activation_addition", "alpha": 1})
    with pytest.raises(DataError, match="lacks 'harmful_mean'"):
        hook.attach(model, direction(tensors={}))
    with pytest.raises(ConfigError, match="set layer"):
        hook.attach(model, direction(layer="final_norm"))
    outside = build_hook({"method": "activation_addition", "alpha": 1, "layer": 3})
    with pytest.raises(ConfigError, match="3 blocks"):
        outside.attach(model, direction())


def test_preparation_attaches_a_direction_file(model, tmp_path):
    direction().save(tmp_path / "direction.safetensors")
    prepare = preparation({"method": "projection"}, tmp_path / "direction.safetensors")
    with prepare(model):
        assert np.abs(states(model) @ ROWS[0]).max() < 1e-6


def test_intervention_without_a_valid_direction_raises(model, tmp_path):
    nothing = Direction(np.zeros((0, 16), np.float32), "mean_difference", reason="none was valid")
    nothing.save(tmp_path / "none.safetensors")
    with pytest.raises(DataError, match="no valid direction: none was valid"):
        preparation({"method": "projection"}, tmp_path / "none.safetensors")(model)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "projektion"}, "did you mean 'projection'"),
        ({"method": "activation_addition"}, "the key 'alpha' is missing"),
        ({"method": "activation_addition", "alpha": "much"}, "alpha"),
        ({"method": "activation_addition", "alpha": 1, "layer": 1.5}, "layer"),
        ({"method": "activation_addition", "alpha": 1, "unit": "norm"}, "unit: 'norm' is not allowed"),
        ({"method": "projection", "targets": ["mlp"]}, "targets.0: 'mlp' is not allowed"),
    ],
)
def test_invalid_intervention_settings_are_rejected(settings, message):
    with pytest.raises(ConfigError, match=message):
        check_settings(settings)


def test_engines_generate_under_the_intervention(checkpoint, tmp_path):
    from steadfast.generation.engines.transformers import build
    from steadfast.generation.responses import generate_responses

    direction(tensors=MEANS).save(tmp_path / "direction.safetensors")
    prompts = pd.DataFrame({"prompt_id": ["p"], "text": ["w1 w2 w3"]})
    texts = []
    for alpha in (0, 40):
        settings = {"method": "activation_addition", "alpha": alpha, "unit": "state"}
        engine = build(prepare=preparation(settings, tmp_path / "direction.safetensors"))
        table = generate_responses(checkpoint, prompts, settings={"max_new_tokens": 8}, engine=engine)
        texts.append(table["response"].iloc[0])
    assert texts[0] != texts[1]
