"""How vLLM is configured: engine arguments and environment variables, the same for the worker and the server."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steadfast.core.files import read_json
from steadfast.core.locations import import_path
from steadfast.core.memory import available_memory
from steadfast.core.units import GIB
from steadfast.generation.interface import Runtime
from steadfast.generation.serving.interpreter import Interpreter
from steadfast.models.number_format import WIDE, settle_format
from steadfast.models.pointer import trusts_remote_code, weights_path

LEAST_CACHE_GIB = 0.25
LARGEST_CACHE_SHARE = 0.4
# block size of vLLM's CPU cache, in tokens
BLOCK_TOKENS = 128
SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")


def engine_arguments(
    model_dir: str | Path,
    runtime: Runtime,
    interpreter: Interpreter,
    *,
    dtype: str,
    max_model_len: int,
    cached_tokens: int,
) -> dict[str, Any]:
    """Arguments of vLLM's engine.

    Args:
        model_dir: a model directory of the workflow, or a plain checkpoint directory.
        runtime: how to use the machine.
        interpreter: the environment with vLLM.
        dtype: ``auto`` (see ``steadfast.models.number_format``) or a torch number format.
        max_model_len: longest sequence; -1 takes the model's maximum, or less if it does not fit into memory.
        cached_tokens: number of concurrently cached tokens, for the size of the cache on a CPU.
    """
    checkpoint = weights_path(model_dir)
    config = read_json(checkpoint / "config.json")
    arguments: dict[str, Any] = {
        "model": str(checkpoint),
        "dtype": _number_format(model_dir, dtype, interpreter),
        "enforce_eager": interpreter.cpu_build if runtime.enforce_eager is None else runtime.enforce_eager,
        "enable_prefix_caching": True,
        "tensor_parallel_size": runtime.tensor_parallel_size,
        "trust_remote_code": trusts_remote_code(model_dir),
        # the checkpoint's own sampling recommendations would otherwise become the server's defaults
        "generation_config": "vllm",
        "max_model_len": max_model_len,
    }
    if interpreter.cpu_build:
        arguments["kv_cache_memory_bytes"] = _cache_bytes(config, runtime, cached_tokens)
    else:
        arguments["gpu_memory_utilization"] = runtime.memory_fraction
    return arguments


def command_line(arguments: Mapping[str, Any]) -> list[str]:
    """The arguments as command-line options of vLLM's server."""
    options: list[str] = []
    for name, value in arguments.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            options.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            options += [f"--{flag}", str(value)]
    return options


def process_environment(runtime: Runtime, interpreter: Interpreter, *, in_process: bool) -> dict[str, str]:
    """Environment variables of a vLLM process: those of the job without secrets, and vLLM's settings.

    Args:
        runtime: how to use the machine.
        interpreter: the environment with vLLM.
        in_process: whether the engine should run in the process itself if possible (starts faster).
    """
    kept = {name: value for name, value in os.environ.items() if not SECRET.search(name)}
    kept.pop("PYTHONHOME", None)
    own = {
        "PYTHONPATH": str(import_path()),
        "PYTHONUNBUFFERED": "1",
        # checkpoints are local directories: no hub requests, no telemetry
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        # stop on NaN logits, as from an overflow; otherwise vLLM would generate the first token of the vocabulary
        "VLLM_RAISE_ON_LOGIT_NANS": "1",
        "VLLM_LOGGING_LEVEL": os.environ.get("VLLM_LOGGING_LEVEL", "ERROR"),
    }
    if runtime.batch_invariant:
        own["VLLM_BATCH_INVARIANT"] = "1"
    if interpreter.cpu_build:
        # the operating system (or Slurm) assigns cores; vLLM would always bind to the same ones
        own["VLLM_CPU_OMP_THREADS_BIND"] = "nobind"
        # otherwise first-token probabilities would compile C++ code
        own["TORCH_COMPILE_DISABLE"] = "1"
        if runtime.threads is not None:
            own["OMP_NUM_THREADS"] = str(runtime.threads)
        if in_process and runtime.tensor_parallel_size == 1:
            own["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    return {**kept, **own}


def device_of(interpreter: Interpreter) -> str:
    """The kind of device that a build of vLLM runs on."""
    return "cpu" if interpreter.cpu_build else "cuda"


def _number_format(model_dir: str | Path, dtype: str, interpreter: Interpreter) -> str:
    """Number format of a run, since vLLM's ``auto`` turns float32 into bfloat16.

    On GPUs without bfloat16, vLLM's ``auto`` is used, which then takes float16.
    """
    name = settle_format(model_dir, dtype, device_of(interpreter)).name
    return name if interpreter.cpu_build or name == WIDE else dtype


def _cache_bytes(config: Mapping[str, Any], runtime: Runtime, tokens: int) -> int:
    """Size of the key-value cache on a CPU, since vLLM's default is nearly all of the memory."""
    if runtime.kv_cache_gib is not None:
        return int(runtime.kv_cache_gib * GIB)
    needed = (tokens + BLOCK_TOKENS) * _cache_bytes_per_token(config.get("text_config") or config)
    return int(max(LEAST_CACHE_GIB * GIB, min(needed, LARGEST_CACHE_SHARE * available_memory())))


def _cache_bytes_per_token(config: Mapping[str, Any]) -> int:
    """Bytes per token in float32, for a model with the usual configuration keys."""
    heads = int(config.get("num_attention_heads") or 1)
    hidden = int(config.get("hidden_size") or 0)
    head_size = int(config.get("head_dim") or hidden // heads)
    key_value_heads = int(config.get("num_key_value_heads") or heads)
    return 2 * 4 * int(config.get("num_hidden_layers") or 1) * key_value_heads * head_size
