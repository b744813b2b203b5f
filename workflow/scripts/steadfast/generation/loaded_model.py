"""Generation with a model that is loaded in this process, in a few large left-padded batches."""

import math
import random
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import LogitsProcessor, PreTrainedModel

from steadfast.generation.batch_decoding import decode
from steadfast.generation.engines.transformers import NAME
from steadfast.generation.interface import Generation, GenerationRequest, Sampling, cut_at_stop
from steadfast.models.prefix import Prefix, shared_prefix


@dataclass(frozen=True)
class LoadedModel:
    """Engine for a loaded model, with any attached hooks.

    Attributes:
        model: the model.
        batch_tokens: maximum number of prompt and response tokens of a batch, including padding.
        name: name of the engine that uses it.
    """

    model: PreTrainedModel
    batch_tokens: int
    name: str = NAME

    def number_format(self, model_dir: str | Path) -> str:
        """The number format in which the model is loaded."""
        del model_dir
        return str(self.model.dtype).removeprefix("torch.")

    def generate(
        self,
        model_dir: str | Path,
        requests: Sequence[GenerationRequest],
        *,
        sampling: Sampling,
        stop_tokens: AbstractSet[int],
    ) -> Iterator[tuple[int, Generation]]:
        """Yield the responses batch by batch; see ``steadfast.generation.interface.Engine``."""
        del model_dir
        with torch.inference_mode():
            prefix = shared_prefix(self.model, [request.prompt_tokens for request in requests], 1)
            for batch in batches(requests, self.batch_tokens):
                rows = _run_batch(self.model, [requests[i] for i in batch], sampling, stop_tokens, prefix)
                yield from zip(batch, rows, strict=True)


def batches(requests: Sequence[GenerationRequest], batch_tokens: int) -> list[list[int]]:
    """Indices of the requests, packed into batches of similar length.

    Longest requests come first, so that a batch that does not fit into memory fails at once. All requests of
    a batch have the same ``max_new_tokens``.

    Args:
        requests: the requests.
        batch_tokens: bound on rows × (longest prompt + new tokens); a larger request gets a separate batch.
    """

    def size(position: int) -> tuple[int, int]:
        request = requests[position]
        return request.max_new_tokens, len(request.prompt_tokens)

    packed: list[list[int]] = []
    for position in sorted(range(len(requests)), key=size, reverse=True):
        if packed and size(packed[-1][0])[0] == size(position)[0]:
            # the first request of a batch is the longest
            if (len(packed[-1]) + 1) * sum(size(packed[-1][0])) <= batch_tokens:
                packed[-1].append(position)
                continue
        packed.append([position])
    return packed


def _run_batch(
    model: PreTrainedModel,
    requests: Sequence[GenerationRequest],
    sampling: Sampling,
    stop_tokens: AbstractSet[int],
    prefix: Prefix,
) -> list[Generation]:
    limit = requests[0].max_new_tokens
    rows = decode(
        model,
        [request.prompt_tokens for request in requests],
        limit=limit,
        stop_tokens=stop_tokens,
        suppressed=sampling.suppressed,
        draws=[_Draw(request.seed, sampling) for request in requests] if sampling.temperature > 0 else (),
        prefix=prefix,
    )
    return [cut_at_stop(row, stop_tokens, limit) for row in rows]


class _Draw(LogitsProcessor):
    """Nucleus sampling of one row with a separate random generator.

    ``generate`` samples all rows from one generator, so a response would depend on its batch. Here each row samples by
    inverting its cumulative distribution, and masks all other tokens for greedy decoding.
    """

    def __init__(self, seed: int, sampling: Sampling) -> None:
        self._stream = random.Random(seed)
        self._sampling = sampling

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Scores: 0 at the sampled token, minus infinity elsewhere."""
        probabilities = torch.softmax(scores.double() / self._sampling.temperature, dim=-1)
        ordered, tokens = probabilities.sort(dim=-1, descending=True, stable=True)
        cumulative = ordered.cumsum(dim=-1)
        # the nucleus contains every token preceded by less than top_p, so it is never empty
        nucleus = torch.where(cumulative - ordered < self._sampling.top_p, ordered, 0.0).cumsum(dim=-1)
        drawn = torch.tensor([self._stream.random()], dtype=torch.float64)
        target = drawn[:, None].to(nucleus.device) * nucleus[:, -1:]
        rank = torch.searchsorted(nucleus, target, right=True).clamp(max=nucleus.shape[-1] - 1)
        chosen = tokens.gather(-1, rank)
        return torch.full_like(scores, -math.inf).scatter(-1, chosen, 0.0)  # type: ignore[return-value]
