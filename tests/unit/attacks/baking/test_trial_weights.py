"""Edits tried in memory: the weights that baking writes, and the original's to the bit afterwards."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import Gemma2Config, GPT2Config, MixtralConfig

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
MODELS = {
    "llama": tiny_llama(),
    "biases, matrices stored by inputs": GPT2Config(
        vocab_size=50, n_embd=HIDDEN, n_layer=3, n_head=2, tie_word_embeddings=False
    ),
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
def test_a_trial_has_the_weights_that_baking_writes(tmp_path, config):
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


def test_every_block_may_have_a_direction_of_its_own(tmp_path):
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


def test_experts_are_named_as_what_cannot_be_tried(tmp_path):
    config = MixtralConfig(
        vocab_size=50,
        hidden_size=HIDDEN,
        intermediate_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        num_local_experts=2,
    )
    source = save_model(config, tmp_path / "source", torch.float32)
    with pytest.raises(DataError, match="one of several experts"):
        TrialWeights(load_model(source, dtype="float32"), source, TARGETS)
