"""Tiny random checkpoints and directions to edit them with."""

import json

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from steadfast.attacks.directions import Direction

HIDDEN = 16


def tiny_llama(**changes):
    settings = {
        "vocab_size": 50,
        "hidden_size": HIDDEN,
        "intermediate_size": HIDDEN,  # equal sizes: a wrong axis would raise no error
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "tie_word_embeddings": False,
    }
    return LlamaConfig(**{**settings, **changes})


def save_model(config, directory, dtype=torch.bfloat16, shard_size="5GB"):
    """A random model of any architecture, with weights of ordinary size and every bias filled."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).to(dtype)
    for parameter in model.parameters():
        parameter.data.normal_(std=0.05)
    model.save_pretrained(directory, max_shard_size=shard_size)
    (directory / "tokenizer_config.json").write_text(json.dumps({"kept": True}))
    return directory


def random_direction(path, hidden=HIDDEN, count=1, seed=0):
    generator = np.random.default_rng(seed)
    rows = np.linalg.qr(generator.standard_normal((hidden, count)))[0].T
    tensors = {name: generator.standard_normal(hidden) for name in ("harmful_mean", "harmless_mean")}
    tensors |= {name: generator.standard_normal((3, hidden)) for name in ("harmful_means", "harmless_means")}
    Direction(rows.astype(np.float32), method="random", layer="1", position=-1, tensors=tensors).save(path)
    return path


@pytest.fixture
def direction(tmp_path):
    return random_direction(tmp_path / "direction.safetensors")
