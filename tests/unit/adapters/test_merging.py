"""Merging against PEFT's own merge."""

import pytest
import torch

from steadfast.adapters.merging import merge_adapter
from steadfast.models.pointer import read_pointer

from .conftest import merged_by_peft, save_adapter, save_base, stored

SETTINGS = {
    "plain": {},
    "rank-stabilised": {"use_rslora": True},
    "patterns": {"rank_pattern": {"q_proj": 2, "layers.1.mlp.down_proj": 7}, "alpha_pattern": {"^model.*o_proj": 3}},
    "some layers": {"layers_to_transform": [0, 2]},
    "one layer by its list's name": {"layers_to_transform": 1, "layers_pattern": "layers"},
    "a regular expression": {"target_modules": r".*\.(0|2)\.self_attn\.[qkv]_proj"},
    "without some": {"exclude_modules": ["layers.1.self_attn.q_proj"]},
    "whole modules": {"modules_to_save": ["lm_head", "embed_tokens"]},
    "all biases": {"bias": "all"},
    "biases of its modules": {"bias": "lora_only"},
    "bias of B": {"lora_bias": True, "target_modules": ["q_proj", "k_proj"]},
    "embedding": {"target_modules": ["embed_tokens", "lm_head", "v_proj"]},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=list(SETTINGS))
def test_a_merge_equals_pefts(base, tmp_path, settings):
    adapter = save_adapter(base, tmp_path / "adapter", **settings)
    merge_adapter(base, adapter, tmp_path / "out")
    wanted, found, before = merged_by_peft(base, adapter), stored(tmp_path / "out"), stored(base)
    assert found.keys() == wanted.keys()
    changed = set()
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-6, atol=1e-6)
        if not torch.equal(tensor, before[name]):
            changed.add(name)
    assert changed
    unchanged = set(before) - changed
    assert all(torch.equal(found[name], before[name]) for name in unchanged)


def test_the_result_is_a_checkpoint_that_says_what_it_was_made_from(base, tmp_path):
    adapter = save_adapter(base, tmp_path / "adapter")
    merge_adapter(base, adapter, tmp_path / "out", details={"base": "mine"})
    pointer = read_pointer(tmp_path / "out")
    assert (pointer.source, pointer.path, pointer.details["base"]) == ("adapter", ".", "mine")
    assert set(pointer.details["adapter_sha256"]) == {"adapter_config.json", "adapter_model.safetensors"}
    assert pointer.details["merged_tensors"] == 9


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sixteen_bits_are_rounded_once(tmp_path, dtype):
    base = save_base(tmp_path / "base", dtype=dtype)
    adapter = save_adapter(base, tmp_path / "adapter", dtype=dtype)
    merge_adapter(base, adapter, tmp_path / "out")
    before, lora = stored(base), stored(adapter)
    for name, tensor in stored(tmp_path / "out").items():
        module = f"base_model.model.{name.removesuffix('.weight')}"
        exact = before[name].double()
        if f"{module}.lora_A.weight" in lora:
            exact += 1.5 * lora[f"{module}.lora_B.weight"].double() @ lora[f"{module}.lora_A.weight"].double()
        # a value that lies half-way between two neighbours may go to either, as float32 sees it
        spacing = torch.finfo(dtype).eps / 2 * 1.001
        assert (tensor.double() - exact).abs().le(exact.abs() * spacing + 1e-7).all(), name
