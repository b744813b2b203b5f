"""The probability that a model begins its answer with one of two labels.

A checkpoint that must answer with one of two words gives a verdict without generation: the probabilities of the two
words at the first token of the answer, or at the first token where the words differ (Zhao et al. 2021, arXiv
2102.09690, score classes this way). The tokens are continuations of the prompt; a label after a space is included if
that takes no further token.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from steadfast.core.errors import DataError
from steadfast.core.progress import Progress
from steadfast.models.continuations import continuation_tokens
from steadfast.models.padding import padded_left
from steadfast.models.prefix import Prefix, common_prefix, repeated, shared_prefix


@dataclass(frozen=True)
class LabelTokens:
    """Two labels as token ids.

    Attributes:
        shared: common first tokens; usually none.
        differing: the next token of each label.
        spaced: the same for the labels after a space; None if that takes more tokens or changes nothing.
    """

    shared: tuple[int, ...]
    differing: tuple[int, int]
    spaced: tuple[int, int] | None = None

    def alternatives(self, label: int) -> list[int]:
        """Tokens that begin the first (0) or the second label (1)."""
        return [self.differing[label], *([self.spaced[label]] if self.spaced else [])]


def label_tokens(
    tokenizer: PreTrainedTokenizerBase, first: str, second: str, prompt: Sequence[int] | None = None
) -> LabelTokens:
    """Encode two labels as continuations of a prompt, and find where they differ.

    Args:
        tokenizer: the model's own tokenizer.
        first: one label.
        second: the other.
        prompt: token ids of the prompt; None takes an arbitrary prompt with the chat template's suffix.

    Raises:
        DataError: one label's tokens are a prefix of the other's.
    """
    direct_ids, spaced_ids = (
        [continuation_tokens(tokenizer, f"{space}{label}", prompt) for label in (first, second)] for space in ("", " ")
    )
    direct, spaced = _split_where_different(direct_ids), _split_where_different(spaced_ids)
    if direct is None:
        raise DataError(f"the labels {first!r} and {second!r} cannot be distinguished by this tokenizer: {direct_ids}")
    if spaced is None or spaced.shared != direct.shared or set(spaced.differing) & set(direct.differing):
        return direct
    return replace(direct, spaced=spaced.differing)


def _split_where_different(encoded: Sequence[Sequence[int]]) -> LabelTokens | None:
    """Two labels up to the token where they differ; None if one is the beginning of the other."""
    length = common_prefix(encoded)
    if length == min(len(ids) for ids in encoded):
        return None
    return LabelTokens(tuple(encoded[0][:length]), (encoded[0][length], encoded[1][length]))


@torch.inference_mode()
def label_log_probabilities(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], labels: LabelTokens, *, batch_tokens: int = 16384
) -> torch.Tensor:
    """Log-probability of each label after each prompt, up to the first token where the labels differ.

    Prompts of similar length are batched, with left padding. The shared prefix is run once and its keys and values are
    reused.

    Args:
        model: a causal language model.
        prompts: token ids of each prompt; none may be empty.
        labels: from ``label_tokens``.
        batch_tokens: tokens per forward batch, including padding and shared prefix.

    Returns:
        float32, on the CPU, of shape [prompts, 2].
    """
    result = torch.empty(len(prompts), 2)
    if not prompts:
        return result
    sequences = [[*prompt, *labels.shared] for prompt in prompts]
    kept = len(labels.shared) + 1
    prefix = shared_prefix(model, sequences, kept)
    lengths = [len(sequence) for sequence in sequences]
    with Progress("cases", len(prompts), unit="tokens", work=sum(lengths)) as progress:
        for rows in _batches(lengths, batch_tokens):
            logits = _last_logits(model, [sequences[row][prefix.length :] for row in rows], kept, prefix)
            result[rows] = _label_scores(logits, labels).cpu()
            progress.advance(len(rows), sum(lengths[row] for row in rows))
    return result


def _label_scores(logits: torch.Tensor, labels: LabelTokens) -> torch.Tensor:
    """Log-probabilities [rows, 2] from the logits [rows, shared + 1, vocabulary] at the end of the prompts."""
    scores = torch.log_softmax(logits.float(), dim=-1)
    shared = torch.zeros(len(logits), 1, device=logits.device)
    for position, token in enumerate(labels.shared):
        shared += scores[:, position, token, None]
    last = [scores[:, -1, labels.alternatives(label)].logsumexp(dim=-1, keepdim=True) for label in (0, 1)]
    return shared + torch.cat(last, dim=1)


def _last_logits(model: PreTrainedModel, rows: list[list[int]], kept: int, prefix: Prefix) -> torch.Tensor:
    """Logits at the last ``kept`` positions of each row: [rows, kept, vocabulary]."""
    ids, real = (part.to(model.device) for part in padded_left(rows))
    seen = torch.ones(len(rows), prefix.length, dtype=torch.long, device=model.device)
    output: Any = model(
        input_ids=ids,
        attention_mask=torch.cat([seen, real], dim=1),
        position_ids=(real.cumsum(1) - 1).clamp(min=0) + prefix.length,
        past_key_values=repeated(prefix.cache, len(rows)) if prefix.cache else None,
        use_cache=prefix.cache is not None,
        logits_to_keep=kept,
    )
    logits: torch.Tensor = output.logits
    return logits[:, -kept:]


def _batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Indices in batches of similar length whose padded size stays within ``batch_tokens`` (one row at least)."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: (lengths[index], index)):
        if batch and lengths[index] * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
