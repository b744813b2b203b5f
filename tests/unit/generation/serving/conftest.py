import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def fake_vllm(tmp_path, monkeypatch):
    """Path of a Python whose vLLM answers every prompt with its tokens backwards."""
    from fake_vllm import make_interpreter

    python = make_interpreter(tmp_path / "fake vllm")
    monkeypatch.setenv("STEADFAST_VLLM_PYTHON", str(python))
    return python


@pytest.fixture
def model(tmp_path):
    """A directory that looks like a checkpoint."""
    directory = tmp_path / "model"
    directory.mkdir()
    config = {
        "dtype": "float32",
        "num_hidden_layers": 4,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "hidden_size": 256,
        "max_position_embeddings": 4096,
    }
    (directory / "config.json").write_text(json.dumps(config))
    return directory
