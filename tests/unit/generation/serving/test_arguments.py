"""How vLLM is configured."""

import json
from pathlib import Path

import pytest

from steadfast.core.units import GIB
from steadfast.generation.interface import Runtime
from steadfast.generation.serving.arguments import command_line, engine_arguments, process_environment
from steadfast.generation.serving.interpreter import Interpreter

CPU = Interpreter(Path("/x/python"), True, "0.30.0")
GPU = Interpreter(Path("/x/python"), False, "0.30.0")


def arguments(model, runtime=None, interpreter=CPU, dtype="auto", cached_tokens=1000):
    return engine_arguments(
        model, runtime or Runtime(), interpreter, dtype=dtype, max_model_len=512, cached_tokens=cached_tokens
    )


def test_served_dtype_is_float32_or_as_stored_on_gpu(model):
    assert arguments(model)["dtype"] == "float32"
    assert arguments(model, dtype="bfloat16")["dtype"] == "bfloat16"
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}))
    assert arguments(model, interpreter=GPU)["dtype"] == "auto"
    del config["dtype"]
    (model / "config.json").write_text(json.dumps({**config, "torch_dtype": "float32"}))
    assert arguments(model)["dtype"] == "float32"


def test_prefix_caching_is_on_and_checkpoint_sampling_defaults_are_off(model):
    found = arguments(model)
    assert found["enable_prefix_caching"] is True
    assert found["generation_config"] == "vllm"


def test_cpu_cache_size_follows_the_requests(model):
    per_token = 2 * 4 * 4 * 2 * 32
    assert arguments(model)["kv_cache_memory_bytes"] == GIB // 4
    tokens = 400_000
    needed = arguments(model, cached_tokens=tokens)["kv_cache_memory_bytes"]
    assert tokens * per_token <= needed <= 1.01 * tokens * per_token
    assert arguments(model, Runtime(kv_cache_gib=2))["kv_cache_memory_bytes"] == 2 * GIB
    assert "gpu_memory_utilization" not in arguments(model)


def test_cpu_cache_leaves_most_memory_free(model, monkeypatch):
    monkeypatch.setattr("steadfast.generation.serving.arguments.available_memory", lambda: 10 * GIB)
    assert arguments(model, cached_tokens=10**12)["kv_cache_memory_bytes"] == 4 * GIB


def test_gpu_arguments_use_memory_fraction_and_graphs(model):
    found = arguments(model, Runtime(memory_fraction=0.5, tensor_parallel_size=4), GPU)
    assert found["gpu_memory_utilization"] == 0.5
    assert found["tensor_parallel_size"] == 4
    assert found["enforce_eager"] is False
    assert arguments(model, Runtime(enforce_eager=True), GPU)["enforce_eager"] is True
    assert "kv_cache_memory_bytes" not in found


def test_only_a_trusted_checkpoint_may_run_its_own_code(model, tmp_path):
    assert arguments(model)["trust_remote_code"] is False
    pointer = tmp_path / "pointer"
    pointer.mkdir()
    (pointer / "model.json").write_text(json.dumps({"source": "local", "path": str(model), "trust_remote_code": True}))
    assert arguments(pointer)["trust_remote_code"] is True
    assert arguments(pointer)["model"] == str(model)


def test_arguments_become_command_line_options():
    found = command_line({"max_model_len": 8, "enforce_eager": True, "trust_remote_code": False})
    assert found == ["--max-model-len", "8", "--enforce-eager", "--no-trust-remote-code"]


@pytest.mark.parametrize("name", ["HF_TOKEN", "OPENAI_API_KEY", "PROVIDER_KEY", "MY_SECRET", "DB_PASSWORD"])
def test_secrets_of_the_job_do_not_reach_vllm(monkeypatch, name):
    monkeypatch.setenv(name, "s3cret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    found = process_environment(Runtime(), CPU, in_process=True)
    assert "s3cret" not in found.values()
    assert found["CUDA_VISIBLE_DEVICES"] == "1"


def test_environment_sets_threads_and_multiprocessing():
    found = process_environment(Runtime(threads=3), CPU, in_process=True)
    assert (found["OMP_NUM_THREADS"], found["VLLM_ENABLE_V1_MULTIPROCESSING"]) == ("3", "0")
    assert "VLLM_ENABLE_V1_MULTIPROCESSING" not in process_environment(Runtime(), CPU, in_process=False)
    gpu = process_environment(Runtime(batch_invariant=True), GPU, in_process=True)
    assert "VLLM_ENABLE_V1_MULTIPROCESSING" not in gpu and "VLLM_CPU_OMP_THREADS_BIND" not in gpu
    assert gpu["VLLM_BATCH_INVARIANT"] == "1"
