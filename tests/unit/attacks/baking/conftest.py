"""Tiny random checkpoints and directions to edit them with."""

import json

import numpy as np
import pytest
import torch
from tests import tiny_models

from steadfast.attacks.directions import Direction

HIDDEN = 16


def tiny_llama(**changes):
    # equal sizes: a wrong axis would raise no error
    return tiny_models.tiny_llama(50, **{"intermediate_size": HIDDEN, "tie_word_embeddings": False, **changes})


def save_model(config, directory, dtype=torch.bfloat16, shard_size="5GB"):
    """A random model of any architecture, with weights of ordinary size and every bias filled."""
    tiny_models.save_random(config, directory, dtype=dtype, spread=0.05, shard_size=shard_size)
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
