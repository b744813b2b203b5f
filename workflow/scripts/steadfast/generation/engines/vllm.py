"""Engine ``vllm``: continuous batching with prefix caching, in a separate environment and process."""

import json
import os
import select
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TextIO

from pydantic import Field

from steadfast.core.gpus import visible_gpus
from steadfast.core.progress import current
from steadfast.core.settings import AnyPath
from steadfast.generation import vllm_worker
from steadfast.generation.interface import Engine, Generation, GenerationRequest, Runtime, Sampling, cut_at_stop
from steadfast.generation.serving.arguments import device_of, engine_arguments, process_environment
from steadfast.generation.serving.failure import failure
from steadfast.generation.serving.interpreter import Interpreter, find_interpreter, interpreter_or_none
from steadfast.generation.serving.process import SupervisedProcess, supervised
from steadfast.generation.settings import CpuSpeed, EngineSettings
from steadfast.models.number_format import running_format
from steadfast.models.pointer import update_file

NAME = __name__.rpartition(".")[2]
WORKER = vllm_worker.__name__
# vLLM's default number of concurrent sequences
PARALLEL_REQUESTS = 256
# the lowest bias that vLLM accepts; logits of trained models are much smaller
LOWEST_BIAS = -100.0


class Settings(EngineSettings):
    """Runs in a process and an environment of its own (`make vllm`), with continuous batching."""

    needs_adapters: ClassVar[bool] = True
    environment: ClassVar[str] = "vllm"
    cpu_speed: ClassVar[CpuSpeed] = CpuSpeed(13.7, 25.0, 0.00025, 0.0438)

    vllm_python: AnyPath | None = Field(
        None,
        description=(
            "Python interpreter of the environment that has vLLM; null takes `STEADFAST_VLLM_PYTHON` from the "
            "environment, or the one that `make vllm` sets up."
        ),
    )
    memory_fraction: float = Field(0.9, gt=0, le=1, description="Share of the GPU memory that vLLM may use.")
    kv_cache_gib: float | None = Field(
        None, gt=0, le=100000, description="Size of vLLM's key-value cache on a CPU; null takes what the requests need."
    )
    enforce_eager: bool | None = Field(
        None,
        description="Whether vLLM runs without compiled graphs; null disables them on CPUs, where they do not help.",
    )
    batch_invariant: bool = Field(
        False,
        description=(
            "Whether responses must not depend on their batch (batch invariance); slower, and not supported on all "
            "GPUs."
        ),
    )
    start_timeout: float = Field(1800.0, gt=0, le=604800, description="Timeout for the start of vLLM, in seconds.")

    @classmethod
    def obstacle(cls, runtime: Runtime) -> str:
        """Whether an environment with vLLM is missing, or does not fit the device."""
        interpreter = interpreter_or_none(runtime.vllm_python)
        if interpreter is None:
            return "there is no environment with vLLM (`make vllm` sets one up)"
        if interpreter.cpu_build and runtime.device not in ("auto", "cpu"):
            return f"the device is {runtime.device}, and the vLLM that is set up runs on CPUs only"
        if not interpreter.cpu_build and not _has_gpu(runtime):
            return "there is no GPU to use, and the vLLM that is set up needs one"
        return ""

    @classmethod
    def advantage(cls, runtime: Runtime) -> str:
        """A GPU."""
        interpreter = interpreter_or_none(runtime.vllm_python)
        return "there is a GPU" if interpreter and not interpreter.cpu_build and _has_gpu(runtime) else ""


@dataclass(frozen=True)
class VllmEngine:
    """See ``build`` for the fields."""

    dtype: str
    runtime: Runtime
    name: str = NAME

    def number_format(self, model_dir: str | Path) -> str:
        """The number format in which the model runs."""
        device = device_of(find_interpreter(self.runtime.vllm_python))
        return running_format(model_dir, self.dtype, device).name

    def generate(
        self,
        model_dir: str | Path,
        requests: Sequence[GenerationRequest],
        *,
        sampling: Sampling,
        stop_tokens: AbstractSet[int],
    ) -> Iterator[tuple[int, Generation]]:
        """Yield the responses one by one; see ``steadfast.generation.interface.Engine``.

        Raises:
            ConfigError: there is no environment with vLLM.
            ServingError: vLLM did not start, or ended too early.
        """
        if update_file(model_dir) is not None:
            from steadfast.generation.vllm_variants import VllmVariants

            with VllmVariants(self) as engine:
                yield from engine.generate(model_dir, requests, sampling=sampling, stop_tokens=stop_tokens)
            return
        with self.session(model_dir, requests, sampling) as session:
            yield from session.generate(requests, sampling=sampling, stop_tokens=stop_tokens)

    @contextmanager
    def session(
        self,
        model_dir: str | Path,
        requests: Sequence[GenerationRequest],
        sampling: Sampling,
        lora: Mapping[str, Any] | None = None,
    ) -> Iterator["VllmSession"]:
        """Context with a model loaded by vLLM, which then answers any number of batches.

        Args:
            model_dir: a model directory of the workflow, or a plain checkpoint directory.
            requests: the batch with the longest requests.
            sampling: see ``generate``.
            lora: further engine arguments of vLLM that enable adapters.

        Raises:
            ConfigError: there is no environment with vLLM.
            ServingError: vLLM did not start.
        """
        interpreter = find_interpreter(self.runtime.vllm_python)
        print(f"vLLM {interpreter.version} ({interpreter.python}) loads {model_dir}", flush=True)
        arguments = {**self._arguments(model_dir, requests, sampling, interpreter), **(lora or {})}
        reading, writing = os.pipe()
        command = [str(interpreter.python), "-P", "-m", WORKER, str(writing)]
        environment = process_environment(self.runtime, interpreter, in_process=True)
        with (
            os.fdopen(reading, encoding="utf-8") as results,
            supervised(command, environment=environment, descriptors=[writing]) as worker,
        ):
            _send(worker, arguments)
            self._await_start(worker, results)
            yield VllmSession(worker, results)

    def _arguments(
        self,
        model_dir: str | Path,
        requests: Sequence[GenerationRequest],
        sampling: Sampling,
        interpreter: Interpreter,
    ) -> dict[str, Any]:
        lengths = sorted((len(request.prompt_tokens) + request.max_new_tokens for request in requests), reverse=True)
        arguments = engine_arguments(
            model_dir,
            self.runtime,
            interpreter,
            dtype=self.dtype,
            max_model_len=lengths[0],
            cached_tokens=sum(lengths[:PARALLEL_REQUESTS]),
        )
        if interpreter.cpu_build and sampling.temperature > 0:
            # chunked prefill rewinds a request's random generator, which fails on a CPU
            arguments["enable_chunked_prefill"] = False
        return arguments

    def _await_start(self, worker: SupervisedProcess, results: TextIO) -> None:
        timeout = self.runtime.start_timeout
        if not select.select([results], [], [], timeout)[0]:
            raise failure(f"vLLM did not start within {timeout:.0f} s (runtime.start_timeout)", None, worker.tail())
        line = results.readline()
        if not line:
            raise failure("vLLM did not start", worker.wait(), worker.tail())
        print(f"vLLM is ready after {json.loads(line)['ready']:.1f} s", flush=True)


@dataclass(frozen=True)
class VllmSession:
    """A model loaded by vLLM, in a process that waits for batches."""

    worker: SupervisedProcess
    results: TextIO

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        *,
        sampling: Sampling,
        stop_tokens: AbstractSet[int],
        adapter: str | Path | None = None,
    ) -> Iterator[tuple[int, Generation]]:
        """Yield the responses of one batch one by one; see ``steadfast.generation.interface.Engine``.

        Args:
            requests: the batch; the session ends if iteration stops before the last response.
            sampling: see ``Engine``.
            stop_tokens: see ``Engine``.
            adapter: folder of a LoRA adapter for all requests.

        Raises:
            ServingError: vLLM ended too early.
        """
        work = {
            "sampling": _sampling_arguments(sampling, stop_tokens),
            "requests": [
                {"tokens": request.prompt_tokens, "max_tokens": request.max_new_tokens, "seed": request.seed}
                for request in requests
            ],
            "adapter": str(Path(adapter).resolve()) if adapter else None,
        }
        _send(self.worker, work)
        done = 0
        for line in self.results:
            record = json.loads(line)
            if "end" in record:
                break
            if "written" in record:
                _report(*record["written"])
                continue
            done += 1
            request = requests[record["index"]]
            yield record["index"], cut_at_stop(record["tokens"], stop_tokens, request.max_new_tokens)
        if done != len(requests):
            status = self.worker.wait()
            raise failure(f"vLLM ended after {done} of {len(requests)} responses", status, self.worker.tail())


def build(*, dtype: str = "auto", runtime: Runtime | None = None) -> VllmEngine:
    """Make the engine.

    Args:
        dtype: ``auto`` (see ``steadfast.models.number_format``) or a torch number format.
        runtime: how to use the machine.
    """
    return VllmEngine(dtype, runtime or Runtime())


def sharing(*, dtype: str, runtime: Runtime) -> AbstractContextManager[Engine | None]:
    """Context with an engine that keeps its model for the next variant.

    Args:
        dtype: see ``build``.
        runtime: the same.
    """
    from steadfast.generation.vllm_variants import VllmVariants

    return VllmVariants(build(dtype=dtype, runtime=runtime))


def _has_gpu(runtime: Runtime) -> bool:
    import torch

    return runtime.device != "cpu" and bool(torch.cuda.is_available() or visible_gpus())


def _sampling_arguments(sampling: Sampling, stop_tokens: AbstractSet[int]) -> dict[str, Any]:
    return {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p if sampling.temperature > 0 else 1.0,
        "stop_token_ids": sorted(stop_tokens),
        # the stop tokens include the checkpoint's; otherwise vLLM would add others that it finds
        "ignore_eos": True,
        "logit_bias": dict.fromkeys(sampling.suppressed, LOWEST_BIAS) or None,
    }


def _report(tokens: int, share: float) -> None:
    """Print the progress of unfinished responses."""
    progress = current()
    if progress:
        progress.partly(share, tokens)


def _send(worker: SupervisedProcess, work: dict[str, Any]) -> None:
    try:
        worker.stdin.write(json.dumps(work) + "\n")
        worker.stdin.flush()
    except BrokenPipeError:
        # the process died before it read its input; the failed start is reported with the reason
        return
