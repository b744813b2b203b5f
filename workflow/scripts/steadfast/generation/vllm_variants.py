"""vLLM for several variants of one model: the model is loaded once, and edits are LoRA adapters."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from steadfast.attacks.baking.adapter_export import export_adapter
from steadfast.generation.engines.vllm import NAME, VllmEngine, VllmSession
from steadfast.generation.interface import Generation, GenerationRequest, Sampling
from steadfast.models.adapters.settings import WEIGHTS
from steadfast.models.checkpoint_files.stored_updates import load_updates
from steadfast.models.pointer import checkpoint_path, trusts_remote_code, update_file
from steadfast.models.shards import read_shard

RANKS = (8, 16, 32, 64, 128, 256)
"""Allowed values of vLLM's maximum rank."""


@dataclass
class VllmVariants:
    """An engine that keeps its model for the next variant; a context manager.

    Each batch uses one adapter or none, since vLLM's CPU build has applied an adapter to requests without one in the
    same batch.

    Attributes:
        engine: the vLLM engine.
        starts: number of model loads.
        name: name of the registry module.
    """

    engine: VllmEngine
    starts: int = 0
    name: str = NAME
    _stack: ExitStack = field(default_factory=ExitStack)
    _session: VllmSession | None = None
    _loaded: tuple[Path, int, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def number_format(self, model_dir: str | Path) -> str:
        """The number format in which the model runs."""
        return self.engine.number_format(model_dir)

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
            DataError: the edit of ``model_dir`` cannot be expressed by an adapter.
            ServingError: vLLM did not start, or ended too early.
        """
        update = update_file(model_dir)
        with TemporaryDirectory() as folder:
            adapter = None
            if update is not None and load_updates(update):
                adapter = Path(model_dir)
                if not (adapter / WEIGHTS).is_file():
                    adapter = Path(folder) / "adapter"
                    export_adapter(model_dir, adapter, str(checkpoint_path(model_dir)))
            session = self._session_for(model_dir, requests, sampling, adapter)
            yield from session.generate(requests, sampling=sampling, stop_tokens=stop_tokens, adapter=adapter)

    def _session_for(
        self, model_dir: str | Path, requests: Sequence[GenerationRequest], sampling: Sampling, adapter: Path | None
    ) -> VllmSession:
        """A session with the model loaded that accepts such requests; started if needed."""
        model = checkpoint_path(model_dir).resolve()
        longest = max(len(request.prompt_tokens) + request.max_new_tokens for request in requests)
        rank = _rank(adapter) if adapter else RANKS[0]
        if self._session and self._loaded:
            loaded, length, largest = self._loaded
            if loaded == model and longest <= length and rank <= largest:
                return self._session
        self._stack.close()
        lora = {
            "enable_lora": True,
            "max_loras": 1,
            "max_lora_rank": rank,
            "trust_remote_code": trusts_remote_code(model_dir),
        }
        self._session = self._stack.enter_context(self.engine.session(model, requests, sampling, lora))
        self._loaded = (model, longest, rank)
        self.starts += 1
        return self._session


def _rank(adapter: Path) -> int:
    """The smallest allowed maximum rank that fits an adapter."""
    largest = max(entry.shape[0] for entry in read_shard(adapter / WEIGHTS).entries if ".lora_A." in entry.name)
    return next(rank for rank in RANKS if rank >= largest)
