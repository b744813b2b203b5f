"""Next-token distributions of a model on prompts, used to compare interventions and edits."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from steadfast.attacks.activations.extraction import Batch, batches
from steadfast.models.prefix import NO_PREFIX, Prefix, repeated, shared_prefix

MOST_LOGITS = 2**28
"""Largest number of logits in one batch: 1 GiB in float32."""
KEPT = 4096
"""Number of the most likely tokens that a stored distribution keeps; all others are pooled into one outcome.

Pooling can only lower a divergence (by the data processing inequality), and the pool has almost no probability.
"""


def next_token_log_probabilities(
    model: PreTrainedModel,
    encoded: Sequence[Sequence[int]],
    batch_tokens: int,
    pad_token_id: int,
    *,
    share_prefix: bool = False,
) -> Tensor:
    """Log-probabilities of the token after each prompt, float64 [prompts, vocabulary], on the CPU.

    Args:
        model: the model, with whatever hooks it carries.
        encoded: token ids of each prompt.
        batch_tokens: largest number of tokens of a batch, padding included.
        pad_token_id: token to pad with, on the left.
        share_prefix: whether the prefix that all prompts share is run only once, which rounds differently.
    """
    rows: list[Tensor] = [torch.empty(0)] * len(encoded)
    with torch.inference_mode():
        prefix = shared_prefix(model, encoded, 1) if share_prefix else NO_PREFIX
        for batch in batches([ids[prefix.length :] for ids in encoded], batch_tokens, pad_token_id):
            logits = last_logits(model, batch, 1, prefix)[:, -1]
            for row, values in zip(batch.rows, torch.log_softmax(logits.double(), dim=-1).cpu(), strict=True):
                rows[row] = values
    return torch.stack(rows)


def teacher_forced_log_probabilities(
    model: PreTrainedModel,
    prefixes: Sequence[Sequence[int]],
    continuations: Sequence[Sequence[int]],
    batch_tokens: int,
    pad_token_id: int,
    *,
    share_prefix: bool = False,
) -> Iterator[tuple[int, Tensor]]:
    """Log-probabilities of the whole vocabulary before every token of given continuations.

    Args:
        model: the model, with whatever hooks it carries.
        prefixes: token ids before each continuation, at least one.
        continuations: token ids, at least one each.
        batch_tokens: largest number of tokens of a batch, padding included; fewer if their logits take too much memory.
        pad_token_id: token to pad with, on the left.
        share_prefix: whether the prefix that all sequences share is run only once, which rounds differently.

    Yields:
        Index of a sequence (in any order) and float32 [tokens of its continuation, vocabulary] on the model's device.
    """
    vocabulary = int(model.config.get_text_config().vocab_size)
    sequences = [[*prefix, *continuation] for prefix, continuation in zip(prefixes, continuations, strict=True)]
    longest = max(map(len, continuations), default=0)
    with torch.inference_mode():
        prefix = shared_prefix(model, sequences, longest + 1) if share_prefix else NO_PREFIX
        rest = [ids[prefix.length :] for ids in sequences]
        for batch in batches(rest, max(1, min(batch_tokens, MOST_LOGITS // vocabulary)), pad_token_id):
            kept = max(len(continuations[row]) for row in batch.rows) + 1
            logits = last_logits(model, batch, kept, prefix)
            for place, row in enumerate(batch.rows):
                # the logits of a token are at the preceding position
                own = logits[place, -len(continuations[row]) - 1 : -1]
                yield row, torch.log_softmax(own.float(), dim=-1)


def last_logits(model: PreTrainedModel, batch: Batch, count: int, prefix: Prefix = NO_PREFIX) -> Tensor:
    """Logits of at least the last ``count`` tokens of a left-padded batch that continues ``prefix``."""
    parameters = inspect.signature(model.forward).parameters
    arguments: dict[str, Any] = {"input_ids": batch.input_ids.to(model.device), "use_cache": prefix.cache is not None}
    if prefix.cache is not None:
        arguments["past_key_values"] = repeated(prefix.cache, len(batch.rows))
    if batch.attention_mask is not None:
        seen = torch.ones(len(batch.rows), prefix.length, dtype=batch.attention_mask.dtype)
        mask = torch.cat([seen, batch.attention_mask], dim=1).to(model.device)
        arguments["attention_mask"] = mask
        if "position_ids" in parameters:
            arguments["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)[:, prefix.length :]
    if "logits_to_keep" in parameters:
        arguments["logits_to_keep"] = count
    logits: Tensor = model(**arguments).logits
    return logits


def divergence(reference: Tensor, other: Tensor) -> Tensor:
    """Kullback-Leibler divergence KL(reference ‖ other) of each row [prompts], in nats, from log-probabilities."""
    return (reference.exp() * (reference - other)).sum(dim=-1).clamp(min=0)


def pooled_divergence(reference: Tensor, other: Tensor) -> Tensor:
    """KL(reference ‖ other) in nats, for distributions with some tokens pooled.

    Args:
        reference: float64 log-probabilities [..., tokens]; the remaining probability is one further outcome.
        other: log-probabilities of the same tokens.
    """
    known = (reference.exp() * (reference - other)).sum(dim=-1)
    rest = (1 - reference.exp().sum(dim=-1)).clamp(min=0)
    other_rest = (1 - other.exp().sum(dim=-1)).clamp(min=torch.finfo(torch.float32).eps)
    # a pool below float32's rounding error is treated as empty
    pool = torch.where(rest > 1e-6, rest * (rest.clamp(min=1e-300) / other_rest).log(), 0.0)
    return (known + pool).clamp(min=0)
