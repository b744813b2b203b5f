"""``engine: auto``: whichever engine is expected to finish first, start-up included."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from steadfast.core.gpus import visible_gpus
from steadfast.generation.interface import GenerationRequest, Runtime
from steadfast.generation.serving.interpreter import interpreter_or_none
from steadfast.models.pointer import checkpoint_path
from steadfast.models.weights import open_checkpoint


@dataclass(frozen=True)
class CpuSpeed:
    """Seconds that an engine takes on one CPU thread, as benchmarks/generation.py measures them.

    Attributes:
        start: to import everything and to load a tiny model.
        start_per_billion: more of it per billion parameters.
        token: per generated token, whatever the model.
        token_per_billion: more of it per billion parameters.
    """

    start: float
    start_per_billion: float
    token: float
    token_per_billion: float

    def seconds(self, parameters: int, tokens: int) -> float:
        """Expected duration of a job that generates this number of tokens."""
        billions = parameters / 1e9
        return (
            self.start + self.start_per_billion * billions + tokens * (self.token + self.token_per_billion * billions)
        )


# through the figures of benchmarks/results/generation.md, of transformers those with one large batch
CPU_SPEEDS = {
    "transformers": CpuSpeed(5.8, 0.0, 0.00014, 0.059),
    "vllm": CpuSpeed(13.7, 25.0, 0.00025, 0.0438),
}


def choose_engine(model_dir: str | Path, requests: Sequence[GenerationRequest], runtime: Runtime) -> tuple[str, str]:
    """Name of the engine, and the reason for the log."""
    interpreter = interpreter_or_none(runtime.vllm_python)
    if interpreter is None:
        return "transformers", "there is no environment with vLLM (`make vllm` sets one up)"
    if not interpreter.cpu_build:
        if runtime.device != "cpu" and (torch.cuda.is_available() or visible_gpus()):
            return "vllm", "there is a GPU"
        return "transformers", "there is no GPU to use, and the vLLM that is set up needs one"
    if runtime.device not in ("auto", "cpu"):
        return "transformers", f"the device is {runtime.device}, and the vLLM that is set up runs on CPUs only"
    parameters = count_parameters(model_dir)
    tokens = sum(request.max_new_tokens for request in requests)
    expected = {name: speed.seconds(parameters, tokens) for name, speed in CPU_SPEEDS.items()}
    fastest = min(expected, key=lambda name: expected[name])
    seconds = ", ".join(f"{name} {value:.0f} s" for name, value in expected.items())
    size = f"{parameters / 1e6:.1f} million parameters"
    return fastest, f"{size} and at most {tokens} tokens on a CPU, expected: {seconds}"


def count_parameters(model_dir: str | Path) -> int:
    """Number of stored parameters, from the headers of the safetensors files."""
    return open_checkpoint(checkpoint_path(model_dir)).parameters
