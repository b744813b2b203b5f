"""GGUF files written out as checkpoints, against the models that they were written from."""

import numpy as np
import pytest
import torch
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize, quantize
from safetensors.torch import load_file
from tests.gguf_files import ARCHITECTURES, SENTENCEPIECE, TEMPLATE, TOKENS, reference_model, write_gguf
from tests.sweeps import sweep
from transformers import (
    Gemma2Config,
    Gemma3TextConfig,
    LlamaConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
    Qwen3MoeConfig,
)

from steadfast.core.errors import DataError
from steadfast.core.files import read_json
from steadfast.generation.responses import stop_token_ids
from steadfast.models.gguf.header import read_header
from steadfast.models.gguf.placing import place_gguf
from steadfast.models.loading import load_model, load_tokenizer
from steadfast.models.pointer import read_pointer
from steadfast.models.sources.gguf import SOURCE

SIZES = {
    "vocab_size": len(TOKENS),
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
GEMMA = {**SIZES, "vocab_size": len(SENTENCEPIECE), "bos_token_id": 2, "eos_token_id": 1}
CONFIGS = {
    "llama": LlamaConfig(**SIZES, rope_parameters={"rope_theta": 5e4, "rope_type": "default"}),
    "llama with wide heads": LlamaConfig(**{**SIZES, "head_dim": 32}),
    "llama 3": LlamaConfig(
        **SIZES,
        rope_parameters={
            "rope_theta": 5e5,
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        },
    ),
    "llama, stretched": LlamaConfig(**SIZES, rope_parameters={"rope_theta": 1e4, "rope_type": "linear", "factor": 4.0}),
    "llama without groups": LlamaConfig(**{**SIZES, "num_key_value_heads": 4}),
    "qwen2": Qwen2Config(**SIZES),
    "qwen3": Qwen3Config(**SIZES),
    "qwen3moe": Qwen3MoeConfig(
        **SIZES, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32, norm_topk_prob=True
    ),
    "gemma2": Gemma2Config(**GEMMA, query_pre_attn_scalar=16, sliding_window=4),
    "gemma3": Gemma3TextConfig(
        **{**GEMMA, "num_hidden_layers": 6},
        query_pre_attn_scalar=16,
        sliding_window=4,
        rope_parameters={
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        },
    ),
    "phi3": Phi3Config(**{**SIZES, "num_key_value_heads": 4}),
    "phi3 that rotates a part": Phi3Config(**SIZES, partial_rotary_factor=0.75, sliding_window=4),
}


def converted(file, folder, dtype="auto"):
    place_gguf({"source": "gguf", "path": str(file), "dtype": dtype}, folder)
    return folder


def logits(model):
    with torch.no_grad():
        return model(torch.arange(20).reshape(2, 10) * 7 % len(TOKENS)).logits


# Gemma has no head of its own
HEADS = [(name, tied) for name in CONFIGS for tied in (True, False) if tied or not name.startswith("gemma")]
FEW = [("llama", True), ("qwen2", False), ("qwen3moe", True), ("gemma3", True), ("phi3 that rotates a part", False)]


@pytest.mark.parametrize(("name", "tied"), sweep(HEADS, FEW))
def test_converted_checkpoint_gives_the_same_logits(name, tied, tmp_path):
    config = CONFIGS[name]
    config.tie_word_embeddings = tied
    model = reference_model(config)
    folder = converted(write_gguf(tmp_path / "model.gguf", model), tmp_path / "out")
    torch.testing.assert_close(logits(load_model(folder)), logits(model), rtol=1e-5, atol=1e-5)
    stored = load_file(folder / "model.safetensors")
    assert ("lm_head.weight" in stored) is not tied
    assert read_json(folder / "config.json")["tie_word_embeddings"] is tied


@pytest.mark.parametrize("quantization", ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1"])
def test_dequantized_weights_match_the_gguf_reference(quantization, tmp_path):
    """With an output head of its own, which stays."""
    model = reference_model(Qwen2Config(**SIZES))
    file = write_gguf(tmp_path / "model.gguf", model, quantization=quantization)
    kind = GGMLQuantizationType[quantization]
    wide = load_file(converted(file, tmp_path / "wide", "float32") / "model.safetensors")
    own = load_file(converted(file, tmp_path / "own") / "model.safetensors")
    format_of_its_own = torch.float16 if quantization == "F16" else torch.bfloat16
    assert wide.keys() == own.keys() == model.state_dict().keys() and "lm_head.weight" in wide
    for name, weight in model.state_dict().items():
        expected = dequantize(quantize(weight.numpy(), kind), kind) if weight.ndim > 1 else weight.numpy()
        torch.testing.assert_close(wide[name], torch.from_numpy(expected), rtol=0, atol=0)
        assert torch.equal(own[name], wide[name].to(format_of_its_own))
    storage = read_pointer(tmp_path / "own").details["storage"]
    assert storage == {quantization: sum(weight.ndim > 1 for weight in model.state_dict().values()), "F32": 11}


def test_conversion_keeps_tokenizer_template_and_stop_tokens(tmp_path):
    folder = converted(write_gguf(tmp_path / "model.gguf", reference_model(CONFIGS["llama"])), tmp_path / "out")
    tokenizer = load_tokenizer(folder)
    text = "Hello there 123\n"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert tokenizer.chat_template == TEMPLATE
    # `<|im_end|>` is named nowhere in the file but in its template
    assert stop_token_ids(folder, tokenizer) == {0, TOKENS.index("<|im_end|>")}


def cut(file):
    file.write_bytes(file.read_bytes()[:-1000])


def empty(file):
    file.write_bytes(b"")


def pointer(file):
    file.write_text("version https://git-lfs.github.com/spec/v1\n")


def kind_of_tomorrow(file):
    """The storage type of the last tensor becomes one that does not exist."""
    header = read_header(file)
    content = file.read_bytes()
    at = content.rindex(header.tensors[-1].name.encode(), 0, header.data_start)
    at += len(header.tensors[-1].name) + 4 + 8 * len(header.tensors[-1].shape)
    file.write_bytes(content[:at] + (250).to_bytes(4, "little") + content[at + 4 :])


def as_it_is(_file):
    pass


REMEDY = "Remedy: use the checkpoint that the file was made from"
REJECTED = {
    "architecture": ({"settings": {"general.architecture": "qwen3next"}}, as_it_is, "unsupported architecture"),
    "storage type": ({}, kind_of_tomorrow, "tensors of the unsupported storage type number 250 (supported: BF16, F16,"),
    "setting": ({"settings": {"llama.logit_scale": 0.5}}, as_it_is, "its setting llama.logit_scale = 0.5 is not known"),
    "missing setting": ({"settings": {"llama.block_count": None}}, as_it_is, "llama.block_count is missing"),
    "splitting": ({"settings": {"tokenizer.ggml.pre": "own"}}, as_it_is, "its tokenizer splits text by 'own'"),
    "tokenizer": ({"settings": {"tokenizer.ggml.model": "t5"}}, as_it_is, "unsupported tokenizer 't5'"),
    "no model": ({"settings": {"general.type": "adapter"}}, as_it_is, "it holds no model but 'adapter'"),
    "parts": ({"settings": {"split.count": 3}}, as_it_is, "it is one of 3 parts; join them"),
    "cut off": ({}, cut, "it is not complete: "),
    "empty": ({}, empty, "is not a GGUF file"),
    "LFS pointer": ({}, pointer, "is not a GGUF file: it does not begin with 'GGUF'"),
    "missing tensor": ({"without": "blk.1.ffn_up.weight"}, as_it_is, "missing: blk.1.ffn_up"),
    "further tensor": (
        {"tensors": {"blk.0.own.weight": np.ones((2, 2), np.float32)}},
        as_it_is,
        "not known: blk.0.own",
    ),
}


@pytest.mark.parametrize(("written", "change", "words"), REJECTED.values(), ids=list(REJECTED))
def test_unreadable_gguf_files_are_rejected_with_one_message(written, change, words, tmp_path, monkeypatch):
    if "general.architecture" in written.get("settings", {}):
        monkeypatch.setitem(ARCHITECTURES, "llama", "qwen3next")
    file = write_gguf(tmp_path / "model.gguf", reference_model(CONFIGS["llama"]), **written)
    change(file)
    with pytest.raises(DataError) as caught:
        converted(file, tmp_path / "out")
    message = str(caught.value)
    assert message.startswith(str(file)) and words in message and "\n" not in message
    assert not (tmp_path / "out").exists()
    # what the header tells stops a run before its first job
    entry = {"source": "gguf", "path": str(file), "dtype": "auto"}
    told = list(SOURCE.problems(entry, {}))
    assert told == ([] if "blk." in words else [f"path: {message}"])


def test_conversion_rejects_weights_that_overflow_the_format(tmp_path):
    model = reference_model(CONFIGS["llama"])
    model.model.layers[0].mlp.down_proj.weight.data[0, 0] = 1e6
    file = write_gguf(tmp_path / "model.gguf", model)
    with pytest.raises(DataError, match=r"down_proj\.weight are infinite or NaN: they exceed what float16 holds"):
        converted(file, tmp_path / "out", "float16")
