"""States of the base model for the head of the learned judge."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from steadfast.core.errors import DataError
from steadfast.core.progress import Progress
from steadfast.judges.learned.seen import PARTS, Array
from steadfast.judges.learned.texts import Passage
from steadfast.models.classes import decoder_of


def states_of(model: PreTrainedModel, passages: Sequence[Passage], blocks: int, batch_tokens: int) -> Array:
    """States after the first ``blocks`` blocks; later blocks are not run.

    Args:
        model: the base.
        passages: the passages.
        blocks: number of blocks to run.
        batch_tokens: tokens per forward batch, padding included.

    Returns:
        float32 [passages, parts, hidden], parts in the order of ``PARTS``.

    Raises:
        DataError: the model has fewer blocks.
    """
    states = np.empty((len(passages), len(PARTS), int(model.config.get_text_config().hidden_size)), dtype=np.float32)
    work = sum(len(passage.ids) for passage in passages)
    with (
        torch.inference_mode(),
        first_blocks(model, blocks) as run,
        Progress("cases", len(passages), unit="tokens", work=work) as progress,
    ):
        for rows in _batches(passages, batch_tokens):
            batch = [passages[row] for row in rows]
            # attention is causal, so padding after a passage does not change its states
            ids = nn.utils.rnn.pad_sequence([torch.tensor(passage.ids) for passage in batch], batch_first=True)
            found = zip(run(ids.to(model.device)), batch, strict=True)
            states[rows] = torch.stack([_parts(state.float(), passage) for state, passage in found]).cpu().numpy()
            progress.advance(len(rows), sum(len(passage.ids) for passage in batch))
    return states


@contextmanager
def first_blocks(model: PreTrainedModel, count: int) -> Iterator[Callable[[Tensor], Tensor]]:
    """Context with a function from token ids [rows, tokens] to the states [rows, tokens, hidden] after a block.

    Raises:
        DataError: the model has fewer blocks.
    """
    decoder: Any = decoder_of(model)
    every = decoder.layers
    if not isinstance(every, nn.ModuleList) or not 0 < count <= len(every):
        raise DataError(f"the judge reads block {count}; {type(model).__name__} has no such block")
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Any) -> None:
        kept[:] = [output[0] if isinstance(output, tuple) else output]

    def run(ids: Tensor) -> Tensor:
        decoder(input_ids=ids, use_cache=False)
        return kept[0]

    handle = every[count - 1].register_forward_hook(keep)
    decoder.layers = every[:count]
    try:
        yield run
    finally:
        decoder.layers = every
        handle.remove()


def _parts(state: Tensor, passage: Passage) -> Tensor:
    """Parts [parts, hidden] of the states [tokens, hidden] of one passage."""
    means = [
        state[start:end].mean(dim=0) if end > start else torch.zeros_like(state[0])
        for start, end in (passage.response, passage.prompt)
    ]
    return torch.stack(means)


def _batches(passages: Sequence[Passage], batch_tokens: int) -> Iterator[list[int]]:
    """Batches of rows of similar length, longest first, with at most ``batch_tokens`` padded tokens or one row."""
    order = sorted(range(len(passages)), key=lambda row: (-len(passages[row].ids), row))
    start = 0
    while start < len(order):
        count = max(1, batch_tokens // len(passages[order[start]].ids))
        yield order[start : start + count]
        start += count
