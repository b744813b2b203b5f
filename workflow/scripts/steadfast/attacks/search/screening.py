"""The screening of a trial with forward passes only: a refusal score and a short divergence on calibration prompts."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from steadfast.attacks.activations.logits import (
    KEPT,
    next_token_log_probabilities,
    pooled_divergence,
    teacher_forced_log_probabilities,
)
from steadfast.attacks.direction_search.refusal_score import ModelAccess, refusal_score, select_refusal_tokens
from steadfast.attacks.search.sampling import Screened

LARGEST_RISE = 700.0
"""Increase of the cross-entropy, in nats per token, above which the perplexity overflows."""
MOST_PROMPTS = 64
"""Number of prompts per label from which refusal tokens are found."""


@dataclass(frozen=True)
class Along:
    """The original's distributions along its own responses.

    Attributes:
        prefixes: token ids of each prompt.
        continuations: token ids of each response.
        tokens: per response, the most likely next tokens at each of its positions, [tokens, kept].
        log_probabilities: log-probabilities of ``tokens``.
        cross_entropy: mean negative log-likelihood of the responses' tokens, nats per token.
    """

    prefixes: list[list[int]]
    continuations: list[list[int]]
    tokens: list[Tensor]
    log_probabilities: list[Tensor]
    cross_entropy: float = float("nan")


@dataclass(frozen=True)
class ScreenedChange:
    """Change caused by an edit along the original's responses.

    Attributes:
        divergence: mean KL(original ‖ edited), nats per token; NaN without responses.
        perplexity_ratio: perplexity of the edited model on these responses, divided by the original's.
    """

    divergence: float
    perplexity_ratio: float


@dataclass(frozen=True)
class Screening:
    """Screens the current state of a model.

    Attributes:
        access: the model, with its current weights.
        harmful: token ids of harmful prompts.
        refusal_tokens: first tokens of refusals.
        along: the original's distributions along its responses to harmless prompts.
    """

    access: ModelAccess
    harmful: list[list[int]]
    refusal_tokens: list[int]
    along: Along

    def __call__(self) -> Screened:
        """Screen the current model."""
        scores = next_token_log_probabilities(
            self.access.model, self.harmful, self.access.batch_tokens, pad_token(self.access), share_prefix=True
        )
        change = change_along(self.access, self.along)
        score = refusal_score(scores, self.refusal_tokens)
        return Screened(score, change.divergence, change.perplexity_ratio)


def find_refusal_tokens(
    access: ModelAccess, harmful: Sequence[str], harmless: Sequence[str], given: Sequence[str] | None
) -> list[int]:
    """First tokens of refusals; empty if the responses to both labels begin alike.

    Args:
        access: the original.
        harmful: ids of harmful calibration prompts.
        harmless: ids of harmless calibration prompts.
        given: texts whose first tokens are taken; None takes them from the original's responses.
    """
    if given is not None:
        return sorted({token for text in given for token in access.first_tokens(text)})
    means = [
        access.log_probabilities(access.encode(list(ids)[:MOST_PROMPTS])).exp().mean(dim=0)
        for ids in (harmful, harmless)
    ]
    return select_refusal_tokens(*means)


def along_responses(access: ModelAccess, prefixes: list[list[int]], continuations: list[list[int]]) -> Along:
    """The original's distributions along some responses; empty responses are skipped.

    Args:
        access: the original.
        prefixes: token ids of the prompts.
        continuations: token ids of its responses.
    """
    present = [(prefix, ids) for prefix, ids in zip(prefixes, continuations, strict=True) if ids]
    found = Along([prefix for prefix, _ in present], [ids for _, ids in present], [], [])
    kept: dict[int, tuple[Tensor, Tensor]] = {}
    cross_entropy, count = 0.0, 0
    for row, values in _distributions(access, found):
        top = values.topk(min(KEPT, values.shape[-1]), dim=-1)
        kept[row] = top.indices.cpu(), top.values.cpu()
        cross_entropy += _cross_entropy(values, found.continuations[row])
        count += len(values)
    for row in range(len(present)):
        found.tokens.append(kept[row][0])
        found.log_probabilities.append(kept[row][1])
    return replace(found, cross_entropy=cross_entropy / count if count else float("nan"))


def change_along(access: ModelAccess, along: Along) -> ScreenedChange:
    """Change of the current model from the original, along the original's responses.

    In the divergence, tokens outside the stored ones are pooled into one outcome, which can only lower it.
    """
    divergence, cross_entropy, count = 0.0, 0.0, 0
    for row, values in _distributions(access, along):
        ours = values.gather(-1, along.tokens[row].to(values.device)).double().cpu()
        divergence += float(pooled_divergence(along.log_probabilities[row].double(), ours).sum())
        cross_entropy += _cross_entropy(values, along.continuations[row])
        count += len(ours)
    if not count:
        return ScreenedChange(float("nan"), float("nan"))
    # a degraded model may give a token zero probability: an infinite ratio, not an error
    rise = cross_entropy / count - along.cross_entropy
    return ScreenedChange(divergence / count, math.exp(rise) if rise < LARGEST_RISE else float("inf"))


def divergence_along(access: ModelAccess, along: Along) -> float:
    """Mean KL(original ‖ current model) per token, in nats; NaN without responses."""
    return change_along(access, along).divergence


def _cross_entropy(values: Tensor, continuation: Sequence[int]) -> float:
    """Negative log-likelihood of a response in nats, from log-probabilities [tokens, vocabulary] at its tokens."""
    tokens = torch.tensor(continuation, device=values.device)[:, None]
    return -float(values.gather(-1, tokens).double().sum())


def pad_token(access: ModelAccess) -> int:
    """Id of the padding token."""
    return int(access.tokenizer.pad_token_id or 0)


def _distributions(access: ModelAccess, along: Along) -> Iterator[tuple[int, Tensor]]:
    return teacher_forced_log_probabilities(
        access.model, along.prefixes, along.continuations, access.batch_tokens, pad_token(access), share_prefix=True
    )
