"""GGUF files written out as checkpoints, against the models that they were written from."""

import pytest
import torch
from safetensors.torch import load_file
from tests.gguf_files import SENTENCEPIECE, TOKENS, reference_model, write_gguf
from transformers import (
    Gemma2Config,
    Gemma3TextConfig,
    LlamaConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
    Qwen3MoeConfig,
)

from steadfast.files import read_json
from steadfast.gguf.placing import place_gguf
from steadfast.models.loading import load_model

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


@pytest.mark.parametrize(("name", "tied"), HEADS)
def test_the_checkpoint_computes_what_the_model_did(name, tied, tmp_path):
    config = CONFIGS[name]
    config.tie_word_embeddings = tied
    model = reference_model(config)
    folder = converted(write_gguf(tmp_path / "model.gguf", model), tmp_path / "out")
    torch.testing.assert_close(logits(load_model(folder)), logits(model), rtol=1e-5, atol=1e-5)
    stored = load_file(folder / "model.safetensors")
    assert ("lm_head.weight" in stored) is not tied
    assert read_json(folder / "config.json")["tie_word_embeddings"] is tied
