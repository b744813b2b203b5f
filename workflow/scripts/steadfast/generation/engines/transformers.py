"""Engine ``transformers``: the model runs in the job's process, in a few large left-padded batches."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from steadfast.generation.interface import Engine, Generation, GenerationRequest, Runtime, Sampling
from steadfast.generation.settings import CpuSpeed, EngineSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = __name__.rpartition(".")[2]
Prepare = Callable[["PreTrainedModel"], AbstractContextManager[Any]]


class Settings(EngineSettings):
    """Runs in the job's own process."""

    in_process: ClassVar[bool] = True
    cpu_speed: ClassVar[CpuSpeed] = CpuSpeed(5.8, 0.0, 0.00014, 0.059)


@dataclass(frozen=True)
class TransformersEngine:
    """See ``build`` for the fields."""

    dtype: str
    runtime: Runtime
    prepare: Prepare | None
    name: str = NAME

    def number_format(self, model_dir: str | Path) -> str:
        """The number format in which the model runs."""
        from steadfast.models.number_format import running_format

        return running_format(model_dir, self.dtype, self.runtime.device).name

    def generate(
        self,
        model_dir: str | Path,
        requests: Sequence[GenerationRequest],
        *,
        sampling: Sampling,
        stop_tokens: AbstractSet[int],
    ) -> Iterator[tuple[int, Generation]]:
        """Yield the responses batch by batch; see ``steadfast.generation.interface.Engine``."""
        import torch

        from steadfast.generation.loaded_model import LoadedModel
        from steadfast.models.loading import load_model

        if self.runtime.threads is not None:
            torch.set_num_threads(self.runtime.threads)
        model = load_model(model_dir, dtype=self.dtype, device=self.runtime.device)
        loaded = LoadedModel(model, self.runtime.batch_tokens)
        with self.prepare(model) if self.prepare else nullcontext():
            yield from loaded.generate(model_dir, requests, sampling=sampling, stop_tokens=stop_tokens)


def build(*, dtype: str = "auto", runtime: Runtime | None = None, prepare: Prepare | None = None) -> TransformersEngine:
    """Make the engine.

    Args:
        dtype: ``auto`` (see ``steadfast.models.number_format``) or a torch number format.
        runtime: how to use the machine.
        prepare: called with the loaded model; returns a context manager that is active during generation (hooks of
            inference-time interventions).
    """
    return TransformersEngine(dtype, runtime or Runtime(), prepare)


@contextmanager
def sharing(**_how: Any) -> Iterator[Engine | None]:
    """Context in which the weights of one model are loaded once for all its variants; it needs no shared engine."""
    # torch is imported only if a model may run in this process
    from steadfast.models.resident import resident_model

    with resident_model():
        yield None
