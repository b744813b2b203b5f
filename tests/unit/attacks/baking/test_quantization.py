import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GptOssConfig
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

from steadfast.attacks.baking import bake
from steadfast.core.errors import DataError
from steadfast.models.check import check_checkpoint
from steadfast.models.checkpoint_files.quantization import dequantize, e4m3_values, fp4_values
from steadfast.models.placing import place_model
from steadfast.models.pointer import ModelPointer, read_pointer

from .conftest import random_direction, save_model, tiny_llama

EDIT = {"method": "orthogonalize", "targets": ["attention_output", "mlp_output"]}


def test_fp8_values_equal_those_of_torch():
    codes = torch.arange(256, dtype=torch.uint8)
    np.testing.assert_array_equal(e4m3_values(), codes.view(torch.float8_e4m3fn).float().numpy())


def test_fp4_values_are_as_specified():
    assert fp4_values().tolist() == [0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6]


def add_to_config(directory, **changes):
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, **changes}))


def quantise_fp8(directory, block):
    """Block-wise FP8 of all projections, as fine-grained FP8 checkpoints are laid out; returns the exact values."""
    tensors = load_file(directory / "model.safetensors")
    exact = dict(tensors)
    for name in [name for name in tensors if "_proj" in name]:
        weight = tensors[name].float()
        rows, columns = (-(-size // block) for size in weight.shape)
        scales = torch.rand(rows, columns) + 0.5
        spread = scales.repeat_interleave(block, 0)[: weight.shape[0]].repeat_interleave(block, 1)[:, : weight.shape[1]]
        tensors[name] = (weight / spread).to(torch.float8_e4m3fn)
        tensors[f"{name}_scale_inv"] = scales
        exact[name] = (tensors[name].float() * spread).to(torch.bfloat16)
    save_file(tensors, directory / "model.safetensors")
    add_to_config(directory, quantization_config={"quant_method": "fp8", "weight_block_size": [block, block]})
    return exact


def quantise_per_tensor(directory, scales=torch.float32):
    """FP8 with one scale per matrix, and one of what it is multiplied with, as Ministral 3 is laid out."""
    tensors = load_file(directory / "model.safetensors")
    exact = dict(tensors)
    for name in [name for name in tensors if "_proj" in name]:
        scale = torch.tensor(2.0**-5) if scales != torch.float32 else torch.rand(()) / 16 + 0.02
        tensors[name] = (tensors[name].float() / scale).to(torch.float8_e4m3fn)
        exact[name] = (tensors[name].float() * scale).to(torch.bfloat16)
        tensors[f"{name}_scale_inv"] = scale.to(scales)
        tensors[name.replace("weight", "activation_scale")] = torch.rand(())
    save_file(tensors, directory / "model.safetensors")
    add_to_config(directory, quantization_config={"quant_method": "fp8", "activation_scheme": "static"})
    return exact


@pytest.mark.parametrize("scales", [torch.float32, torch.bfloat16, torch.float8_e8m0fnu])
def test_per_tensor_fp8_is_dequantized(tmp_path, scales):
    """Whatever the scales are stored in; those of the inputs go with the rounding that they were for."""
    source = save_model(tiny_llama(), tmp_path / "source")
    exact = quantise_per_tensor(source, scales)
    (source / "tokenizer.json").write_text("{}")
    check_checkpoint(source, layout=True)
    dequantize(source, tmp_path / "plain")
    found = load_file(tmp_path / "plain/model.safetensors")
    assert set(found) == set(exact)
    for name, tensor in exact.items():
        assert torch.equal(found[name], tensor), name
    assert bake(tmp_path / "plain", random_direction(tmp_path / "d.safetensors"), EDIT, tmp_path / "out")["effective"]


@pytest.mark.parametrize("grid", [(3, 1, 1), (3, 2, 2), ()])
def test_fused_experts_are_dequantized_with_their_scales(tmp_path, grid):
    codes = torch.randn(3, 8, 6).to(torch.float8_e4m3fn)
    scales = torch.rand(grid) + 0.5
    spread = scales.expand(3, 1, 1) if grid == () else scales
    spread = spread.repeat_interleave(8 // spread.shape[1], 1).repeat_interleave(6 // spread.shape[2], 2)
    stored = {
        "experts.down_proj": codes,
        "experts.down_proj_scale_inv": scales,
        "experts.down_proj_activation_scale": torch.rand(3),
    }
    save_file(stored, tmp_path / "model.safetensors")
    settings = {"quant_method": "fp8", "weight_block_size": [4, 3]}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mixtral", "quantization_config": settings}))
    dequantize(tmp_path, tmp_path / "plain")
    found = load_file(tmp_path / "plain/model.safetensors")
    assert set(found) == {"experts.down_proj"}
    assert torch.equal(found["experts.down_proj"], (codes.float() * spread).to(torch.bfloat16))


def test_scales_of_a_wrong_shape_are_rejected(tmp_path):
    source = save_model(tiny_llama(), tmp_path / "source")
    quantise_fp8(source, block=8)
    add_to_config(source, quantization_config={"quant_method": "fp8", "weight_block_size": [16, 16]})
    with pytest.raises(DataError, match=r"_scale_inv has shape \[\d, \d\], which does not fit"):
        dequantize(source, tmp_path / "plain")


def test_block_wise_fp8_is_dequantized(tmp_path):
    source = save_model(tiny_llama(intermediate_size=22), tmp_path / "source")
    exact = quantise_fp8(source, block=6)
    dequantize(source, tmp_path / "plain")
    found = load_file(tmp_path / "plain/model.safetensors")
    assert set(found) == set(exact)
    for name, tensor in exact.items():
        assert found[name].dtype == torch.bfloat16
        assert torch.equal(found[name], tensor), name
    assert "quantization_config" not in json.loads((tmp_path / "plain/config.json").read_text())


def test_mxfp4_is_dequantized_like_transformers(tmp_path):
    config = GptOssConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        num_local_experts=3,
        layer_types=["full_attention"] * 2,
        pad_token_id=0,
        eos_token_id=1,
    )
    source = save_model(config, tmp_path / "source")
    tensors = load_file(source / "model.safetensors")
    generator = torch.Generator().manual_seed(0)
    expected = {}
    for name in [name for name in tensors if name.endswith("down_proj")]:
        del tensors[name]
        blocks = torch.randint(0, 256, (3, 16, 1, 16), dtype=torch.uint8, generator=generator)
        scales = torch.randint(118, 124, (3, 16, 1), dtype=torch.uint8, generator=generator)
        tensors |= {f"{name}_blocks": blocks, f"{name}_scales": scales}
        expected[name] = convert_moe_packed_tensors(blocks, scales)
    save_file(tensors, source / "model.safetensors")
    add_to_config(source, quantization_config={"quant_method": "mxfp4"})
    dequantize(source, tmp_path / "plain")
    found = load_file(tmp_path / "plain/model.safetensors")
    for name, tensor in expected.items():
        assert found[name].shape == (3, 32, 16)
        assert torch.equal(found[name], tensor)
    AutoModelForCausalLM.from_pretrained(tmp_path / "plain")


def test_quantized_checkpoint_is_edited_only_with_dequantize(tmp_path, direction):
    source = save_model(tiny_llama(), tmp_path / "source", shard_size="3KB")
    for shard in source.glob("*.safetensors"):
        tensors = load_file(shard)
        for name in [name for name in tensors if "down_proj" in name]:
            tensors[f"{name}_scale_inv"] = torch.full((1, 1), 2.0)
            tensors[name] = tensors[name].to(torch.float8_e4m3fn)
        save_file(tensors, shard)
    index = json.loads((source / "model.safetensors.index.json").read_text())
    for shard in source.glob("*.safetensors"):
        index["weight_map"] |= dict.fromkeys(load_file(shard), shard.name)
    (source / "model.safetensors.index.json").write_text(json.dumps(index))
    add_to_config(source, quantization_config={"quant_method": "fp8", "weight_block_size": [128, 128]})
    with pytest.raises(DataError, match=r"quantized \(fp8\).*dequantize: true"):
        bake(source, direction, EDIT, tmp_path / "out")
    place_model(ModelPointer("local", str(source)), tmp_path / "model", dequantize=True)
    manifest = bake(tmp_path / "model", direction, EDIT, tmp_path / "out")
    assert manifest["effective"]
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto").dtype == torch.bfloat16
    assert read_pointer(tmp_path / "model").details == {"dequantized": str(source)}


def test_unknown_quantization_is_rejected(tmp_path):
    source = save_model(tiny_llama(), tmp_path / "source")
    add_to_config(source, quantization_config={"quant_method": "gptq", "bits": 4})
    with pytest.raises(DataError, match=r"'gptq'; only fp8, mxfp4"):
        dequantize(source, tmp_path / "plain")


def test_dequantize_on_an_unquantized_model_is_rejected(tmp_path):
    source = save_model(tiny_llama(), tmp_path / "source")
    with pytest.raises(DataError, match="is not quantized; remove dequantize"):
        place_model(ModelPointer("local", str(source)), tmp_path / "model", dequantize=True)
    assert not (tmp_path / "model").exists()


def test_missing_scales_are_reported(tmp_path):
    source = save_model(tiny_llama(), tmp_path / "source")
    tensors = load_file(source / "model.safetensors")
    tensors["lm_head.weight"] = tensors["lm_head.weight"].to(torch.float8_e4m3fn)
    save_file(tensors, source / "model.safetensors")
    add_to_config(source, quantization_config={"quant_method": "fp8"})
    with pytest.raises(DataError, match=r"lm_head\.weight_scale_inv"):
        dequantize(source, tmp_path / "plain")
