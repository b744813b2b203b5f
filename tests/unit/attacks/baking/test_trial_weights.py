"""Edits tried in memory: the weights that baking writes, and exactly the original's afterwards."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import Gemma2Config, GPT2Config, GptOssConfig, MixtralConfig, Qwen2MoeConfig

from steadfast.attacks.baking.baking import bake
from steadfast.attacks.directions import BLOCK_DIRECTIONS, load_direction
from steadfast.attacks.edits import build_edit
from steadfast.attacks.search.trial_weights import TrialWeights
from steadfast.core.errors import DataError
from steadfast.models.loading import load_model

from .conftest import HIDDEN, random_direction, save_model, tiny_llama

TARGETS = ["attention_output", "mlp_output"]
KERNELS = {
    "attention_output": {"scale": 1.4, "peak": 0.4, "width": 0.5, "edge": 0.2},
    "mlp_output": {"scale": 0.7, "peak": 1.0, "width": 0.6, "edge": 0.0},
}
EDITS = {
    "plain": {"method": "orthogonalize"},
    "kernels": {"method": "orthogonalize", "kernels": KERNELS},
    "norms preserved": {"method": "norm_preserving", "kernels": KERNELS},
    "harmless means kept": {"method": "biprojected", "preserve_norm": True, "kernels": KERNELS},
}
MOE = {
    "vocab_size": 50,
    "hidden_size": HIDDEN,
    "intermediate_size": HIDDEN,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
}
MODELS = {
    "llama": tiny_llama(),
    "biases, matrices stored by inputs": GPT2Config(
        vocab_size=50, n_embd=HIDDEN, n_layer=3, n_head=2, tie_word_embeddings=False
    ),
    "experts": MixtralConfig(**MOE, num_local_experts=2),
    "experts with others shared": Qwen2MoeConfig(
        **MOE, num_experts=2, moe_intermediate_size=12, shared_expert_intermediate_size=8, decoder_sparse_step=1
    ),
    "experts in one tensor, by inputs": GptOssConfig(**MOE, num_local_experts=2, head_dim=8),
    "a norm after the module": Gemma2Config(
        vocab_size=50,
        hidden_size=HIDDEN,
        intermediate_size=HIDDEN,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    ),
}


@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS)
def test_trial_weights_equal_the_baked_weights(tmp_path, config):
    source = save_model(config, tmp_path / "source", torch.float32)
    file = random_direction(tmp_path / "direction.safetensors", count=2)
    model = load_model(source, dtype="float32")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    weights = TrialWeights(model, source, TARGETS)
    for name, edit in EDITS.items():
        bake(source, file, edit, tmp_path / name)
        baked = load_model(tmp_path / name, dtype="float32").state_dict()
        with weights.edited(build_edit(edit), load_direction(file)):
            changed = 0
            for tensor, value in model.state_dict().items():
                torch.testing.assert_close(value, baked[tensor], rtol=1e-5, atol=1e-7)
                changed += not torch.equal(value, before[tensor])
            assert changed >= 4
        assert all(torch.equal(value, before[tensor]) for tensor, value in model.state_dict().items())


def test_trial_weights_support_one_direction_per_block(tmp_path):
    source = save_model(tiny_llama(), tmp_path / "source", torch.float32)
    found = load_direction(random_direction(tmp_path / "direction.safetensors"))
    rows = np.random.default_rng(5).standard_normal((3, 2, HIDDEN)).astype(np.float32)
    direction = replace(found, tensors={**found.tensors, BLOCK_DIRECTIONS: rows})
    direction.save(tmp_path / "each.safetensors")
    edit = {"method": "orthogonalize"}
    assert bake(source, tmp_path / "each.safetensors", edit, tmp_path / "baked")["effective"]
    baked = load_model(tmp_path / "baked", dtype="float32").state_dict()
    for layer in range(3):
        matrix = baked[f"model.layers.{layer}.mlp.down_proj.weight"].numpy()
        left = [np.linalg.norm(np.linalg.qr(rows[block].T)[0].T @ matrix) for block in range(3)]
        assert left[layer] < 1e-5 and min(left[:layer] + left[layer + 1 :]) > 1e-3
    model = load_model(source, dtype="float32")
    with TrialWeights(model, source, TARGETS).edited(build_edit(edit), load_direction(tmp_path / "each.safetensors")):
        for tensor, value in model.state_dict().items():
            torch.testing.assert_close(value, baked[tensor], rtol=1e-5, atol=1e-7)


def test_tied_head_keeps_its_weights_in_a_trial(tmp_path):
    config = tiny_llama()
    config.tie_word_embeddings = True
    source = save_model(config, tmp_path / "source", torch.float32)
    file = random_direction(tmp_path / "direction.safetensors")
    edit = {"method": "orthogonalize", "targets": ["embedding"]}
    bake(source, file, edit, tmp_path / "baked")
    baked, model = load_model(tmp_path / "baked", dtype="float32"), load_model(source, dtype="float32")
    tokens = torch.arange(8)[None]
    before = model(tokens).logits
    with TrialWeights(model, source, ["embedding"]).edited(build_edit(edit), load_direction(file)):
        torch.testing.assert_close(model(tokens).logits, baked(tokens).logits, rtol=1e-5, atol=1e-6)
        assert not torch.equal(model(tokens).logits, before)
    assert torch.equal(model(tokens).logits, before)


def test_rank_one_trial_weights_equal_the_baked_weights(tmp_path):
    source = save_model(tiny_llama(), tmp_path / "source", torch.float32)
    found = load_direction(random_direction(tmp_path / "direction.safetensors"))
    model = load_model(source, dtype="float32")
    width = model.config.intermediate_size
    key, solved = np.random.default_rng(6).standard_normal((2, width)).astype(np.float32)
    keys = {"key": key, "key_solved": solved}
    direction = replace(found, tensors={**found.tensors, **keys}, details={**found.details, "keys_layer": 1})
    direction.save(tmp_path / "keys.safetensors")
    edit = {"method": "rank_one", "layer": 1, "scale": 0.5}
    bake(source, tmp_path / "keys.safetensors", edit, tmp_path / "baked")
    baked = load_model(tmp_path / "baked", dtype="float32").state_dict()
    with TrialWeights(model, source, TARGETS).edited(build_edit(edit), direction):
        for tensor, value in model.state_dict().items():
            torch.testing.assert_close(value, baked[tensor], rtol=1e-5, atol=1e-6)


def test_missing_parameter_in_memory_raises(tmp_path):
    source = save_model(tiny_llama(), tmp_path / "source", torch.float32)
    model = load_model(source, dtype="float32")
    del model.model.layers[1].mlp.down_proj
    with pytest.raises(DataError, match=r"no parameter model\.layers\.1\.mlp\.down_proj\.weight"):
        TrialWeights(model, source, TARGETS)
