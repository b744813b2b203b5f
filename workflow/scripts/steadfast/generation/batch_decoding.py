"""Decoding of one batch by transformers, without redundant computation.

The common prefix of all prompts (the system turn) is run once. Finished responses are removed from the batch when they
make up half of it, so that short refusals cost less than responses of full length.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import torch
from transformers import (
    DynamicCache,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    StoppingCriteria,
    StoppingCriteriaList,
)

from steadfast.core.progress import Progress
from steadfast.models.padding import padded_left
from steadfast.models.prefix import NO_PREFIX, Prefix, has_plain_cache, repeated

# Removing rows copies the cache; with fewer rows a step is bound by reading the weights, not by the batch size.
FEWEST_ROWS = 8


def decode(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    *,
    limit: int,
    stop_tokens: AbstractSet[int],
    suppressed: Sequence[int] = (),
    draws: Sequence[LogitsProcessor] = (),
    prefix: Prefix = NO_PREFIX,
) -> list[list[int]]:
    """New tokens of every prompt, including a stop token and the padding after it.

    Args:
        model: the model, in evaluation mode.
        prompts: token ids, special tokens and generation prompt included.
        limit: maximum length of a response, in tokens.
        stop_tokens: token ids that end a response.
        suppressed: token ids that are never generated.
        draws: logits processors of the rows, in the order of ``prompts``; empty for greedy decoding.
        prefix: the shared prefix of all prompts.
    """
    padded = padded_left([prompt[prefix.length :] for prompt in prompts])
    tokens, mask = (part.to(model.device) for part in padded)
    begin = torch.tensor([list(prompts[0][: prefix.length])], dtype=torch.long, device=model.device)
    # the padding is between the shared prefix and the rest; positions count only unmasked tokens
    tokens = torch.cat([begin.expand(len(prompts), -1), tokens], dim=1)
    mask = torch.cat([torch.ones_like(begin).expand(len(prompts), -1), mask], dim=1)
    cache = repeated(prefix.cache, len(prompts)) if prefix.cache else None
    width = tokens.shape[1]
    rows = torch.arange(len(prompts), device=model.device)
    new: list[list[int]] = [[] for _ in prompts]
    may_shrink = bool(stop_tokens) and has_plain_cache(model)
    with Progress("tokens of each", limit, unit="tokens", covers=len(prompts), brief=True) as progress:
        while len(rows):
            ended = _HalfFinished(stop_tokens, len(rows), progress, enabled=may_shrink and len(rows) >= FEWEST_ROWS)
            processors = LogitsProcessorList([_Rows(draws, rows.tolist())] if draws else [])
            room = limit - (tokens.shape[1] - width)
            output = _generate(model, tokens, mask, cache, room, stop_tokens, suppressed, processors, ended)
            tokens = output.sequences
            for row, written in zip(rows.tolist(), tokens[:, width:].tolist(), strict=True):
                new[row] = written
            left = (~ended.rows.to(model.device)).nonzero()[:, 0]
            if tokens.shape[1] - width >= limit or not len(left) or not ended.enabled:
                break
            cache = output.past_key_values
            cache.batch_select_indices(left)
            grown = torch.ones(len(mask), tokens.shape[1] - mask.shape[1], dtype=mask.dtype, device=mask.device)
            mask = torch.cat([mask, grown], dim=1)[left]
            tokens, rows = tokens[left], rows[left]
    return new


def _generate(
    model: PreTrainedModel,
    tokens: torch.Tensor,
    mask: torch.Tensor,
    cache: DynamicCache | None,
    limit: int,
    stop_tokens: AbstractSet[int],
    suppressed: Sequence[int],
    processors: LogitsProcessorList,
    ended: "_HalfFinished",
) -> Any:
    stop = sorted(stop_tokens)
    # replaces the checkpoint's own generation settings, which would otherwise be merged in
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=limit,
        do_sample=False,
        eos_token_id=stop or None,
        pad_token_id=stop[0] if stop else 0,
        suppress_tokens=list(suppressed) or None,
        return_dict_in_generate=True,
    )
    generator: Any = model
    return generator.generate(
        input_ids=tokens,
        attention_mask=mask,
        logits_processor=processors,
        stopping_criteria=StoppingCriteriaList([ended]),
        **({"past_key_values": cache} if cache else {}),
    )


class _HalfFinished(StoppingCriteria):
    """Interrupts a batch when half of its responses have ended, remembers which, and counts the steps."""

    def __init__(self, stop_tokens: AbstractSet[int], rows: int, progress: Progress, *, enabled: bool) -> None:
        self._progress = progress
        self._stop = torch.tensor(sorted(stop_tokens), dtype=torch.long)
        self.rows = torch.zeros(rows, dtype=torch.bool)
        self.enabled = enabled

    def __call__(self, input_ids: torch.LongTensor, scores: Any, **kwargs: Any) -> torch.BoolTensor:
        """Per row, whether to stop."""
        self._progress.advance(1, int((~self.rows).sum()))
        self.rows |= torch.isin(input_ids[:, -1].cpu(), self._stop)
        stop = self.enabled and 2 * int(self.rows.sum()) >= len(self.rows)
        return torch.full((len(self.rows),), stop, device=input_ids.device)  # type: ignore[return-value]


class _Rows(LogitsProcessor):
    """Applies the processor of its request to each remaining row."""

    def __init__(self, draws: Sequence[LogitsProcessor], rows: Sequence[int]) -> None:
        self._draws = [draws[row] for row in rows]

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Scores of the batch."""
        drawn: Any = [draw(input_ids[row : row + 1], scores[row : row + 1]) for row, draw in enumerate(self._draws)]
        return torch.cat(drawn)  # type: ignore[return-value]
