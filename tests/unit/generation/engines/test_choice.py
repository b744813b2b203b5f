"""``engine: auto``."""

import json
import struct
from pathlib import Path

import pytest

from steadfast.generation.engine_choice import choose_engine, count_parameters
from steadfast.generation.engines import vllm
from steadfast.generation.interface import GenerationRequest, Runtime
from steadfast.generation.serving.interpreter import Interpreter


def model(folder, parameters):
    """A checkpoint of a number of parameters in bfloat16, in a sparse file."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    tensor = {"dtype": "BF16", "shape": [1000, parameters // 1000], "data_offsets": [0, 2 * parameters]}
    header = json.dumps({"__metadata__": {"a": "b"}, "w": tensor}).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + 2 * parameters)
    return folder


def requests(count, new_tokens):
    return [GenerationRequest((1, 2, 3), new_tokens)] * count


@pytest.fixture
def machine(monkeypatch):
    def make(build, gpu):
        found = None if build is None else Interpreter(Path("python"), build == "cpu", "0.30.0")
        monkeypatch.setattr(vllm, "interpreter_or_none", lambda configured: found)
        monkeypatch.setattr(vllm, "visible_gpus", lambda: ["0"] if gpu else [])

    return make


@pytest.mark.parametrize(
    ("parameters", "count", "new_tokens", "expected"),
    [
        (1_000_000, 100, 48, "transformers"),
        (135_000_000, 2, 20, "transformers"),
        (135_000_000, 100, 128, "vllm"),
        (1_700_000_000, 100, 2000, "vllm"),
    ],
)
def test_engine_on_cpu_depends_on_size_and_tokens(tmp_path, machine, parameters, count, new_tokens, expected):
    machine("cpu", gpu=False)
    name, reason = choose_engine(model(tmp_path / "m", parameters), requests(count, new_tokens), Runtime())
    assert name == expected
    assert f"{parameters / 1e6:.1f} million parameters" in reason and f"{count * new_tokens} tokens" in reason


@pytest.mark.parametrize(
    ("build", "gpu", "device", "expected", "reason"),
    [
        ("cuda", True, "auto", "vllm", "there is a GPU"),
        ("cuda", True, "cpu", "transformers", "no GPU to use"),
        ("cuda", False, "auto", "transformers", "no GPU to use"),
        ("cpu", True, "cuda:1", "transformers", "the device is cuda:1"),
        (None, True, "auto", "transformers", "make vllm"),
    ],
)
def test_engine_for_large_models_depends_on_the_machine(tmp_path, machine, build, gpu, device, expected, reason):
    machine(build, gpu)
    chosen, why = choose_engine(model(tmp_path / "m", 7_000_000_000), requests(100, 100), Runtime(device=device))
    assert chosen == expected and reason in why


def test_parameters_are_counted_over_all_shards(checkpoint):
    from safetensors.torch import load_file

    expected = sum(tensor.numel() for tensor in load_file(checkpoint / "model.safetensors").values())
    assert count_parameters(checkpoint) == expected


def test_vllm_digest_covers_the_worker_module():
    from steadfast.core.code_digest import ROOT, _reached
    from steadfast.core.registry import names

    assert names("steadfast.generation.engines") == ["transformers", "vllm"]
    reached = _reached([str((ROOT / "generation" / "engines" / "vllm.py").resolve())])
    assert str((ROOT / "generation" / "vllm_worker.py").resolve()) in reached
