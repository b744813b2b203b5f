"""Generation: the interface of engines.

Engines work on token ids. Chat templates are applied before and responses decoded after generation, by the same code
for all engines, so that no template is applied twice and equal tokens give equal text.
"""

import hashlib
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from steadfast.core.errors import ConfigError

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class Sampling:
    """Sampling parameters.

    A checkpoint's own recommendations (temperature, repetition penalty, ... in ``generation_config.json``)
    are not used: they would differ between the models that are compared.

    Attributes:
        max_new_tokens: maximum length of a response, in tokens.
        samples: number of responses per prompt.
        temperature: sampling temperature; 0 is greedy decoding.
        top_p: nucleus sampling threshold in (0, 1].
        seed: seed of the sampling, combined with the prompt and the sample number.
        suppressed: token ids that are never generated.
    """

    max_new_tokens: int = 128
    samples: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    suppressed: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        checks = {
            "max_new_tokens must be at least 1": self.max_new_tokens >= 1,
            "samples must be at least 1": self.samples >= 1,
            "temperature must not be negative": self.temperature >= 0,
            "top_p must lie in (0, 1]": 0 < self.top_p <= 1,
            "samples above 1 need a temperature above 0: greedy samples are all the same": (
                self.samples == 1 or self.temperature > 0
            ),
        }
        for message, holds in checks.items():
            if not holds:
                raise ConfigError(f"generation: {message}; found {self}")


@dataclass(frozen=True)
class Runtime:
    """Machine settings of an engine, which do not affect responses.

    Attributes:
        device: ``auto``, ``cpu``, or another torch device name (transformers).
        threads: CPU threads; None for the library's default. Concurrent jobs should use one each: with two threads on a
            busy two-core machine both libraries are ten times slower.
        batch_tokens: maximum number of prompt and response tokens of a batch, including padding (transformers).
        vllm_python: interpreter of the environment with vLLM; see ``steadfast.generation.serving.interpreter``.
        tensor_parallel_size: number of GPUs per model (vLLM).
        memory_fraction: share of a GPU's memory to use (vLLM).
        kv_cache_gib: size of the key-value cache on a CPU; None derives it from the requests, within bounds.
        enforce_eager: whether to disable compiled graphs; None disables them on a CPU, where they do not help.
        batch_invariant: whether responses must not depend on their batch; slower, and not supported on all GPUs (vLLM).
        start_timeout: timeout of the start, in seconds.
    """

    device: str = "auto"
    threads: int | None = 1
    batch_tokens: int = 16_384
    vllm_python: str | None = None
    tensor_parallel_size: int = 1
    memory_fraction: float = 0.9
    kv_cache_gib: float | None = None
    enforce_eager: bool | None = None
    batch_invariant: bool = False
    start_timeout: float = 1800.0


@dataclass(frozen=True)
class GenerationRequest:
    """A request for one response.

    Attributes:
        prompt_tokens: the complete prompt, including special tokens and generation prompt.
        max_new_tokens: maximum length of the response, limited by the model's context.
        seed: seed for sampling; different for each prompt and sample.
    """

    prompt_tokens: tuple[int, ...]
    max_new_tokens: int
    seed: int = 0


@dataclass(frozen=True)
class Generation:
    """One response.

    Attributes:
        tokens: new tokens, without the stop token.
        finish_reason: ``stop`` (stop token) or ``length`` (cut off).
    """

    tokens: tuple[int, ...]
    finish_reason: FinishReason


class Engine(Protocol):
    """An engine that runs a model."""

    @property
    def name(self) -> str:
        """Name of the registry module."""
        ...

    def number_format(self, model_dir: str | Path) -> str:
        """The number format in which it runs a model on this machine, for example ``float32``."""
        ...

    def generate(
        self,
        model_dir: str | Path,
        requests: Sequence[GenerationRequest],
        *,
        sampling: Sampling,
        stop_tokens: AbstractSet[int],
    ) -> Iterator[tuple[int, Generation]]:
        """Yield the index of each request with its response, as they finish (in any order).

        Args:
            model_dir: a model directory of the workflow, or a plain checkpoint directory.
            requests: the requests.
            sampling: temperature, nucleus threshold and suppressed tokens (lengths and seeds are in the requests).
            stop_tokens: token ids that end a response.
        """
        ...


def request_seed(seed: int, prompt_id: str, sample: int) -> int:
    """Seed (31 bits) of one response, which does not depend on the other prompts of the run."""
    digest = hashlib.sha256(f"{seed}/{prompt_id}/{sample}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def cut_at_stop(tokens: Sequence[int], stop_tokens: AbstractSet[int], limit: int) -> Generation:
    """The response in raw new tokens: the tokens before the first stop token, at most ``limit``."""
    for position, token in enumerate(tokens[:limit]):
        if token in stop_tokens:
            return Generation(tuple(tokens[:position]), "stop")
    return Generation(tuple(tokens[:limit]), "length")
