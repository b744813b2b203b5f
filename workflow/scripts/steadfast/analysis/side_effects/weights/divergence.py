"""Teacher-forced divergence: how far a variant's next-token distributions move along the original's own answers.

At every token of the original's responses to harmless prompts, KL(original ‖ variant) of the next-token distributions,
in nats. A first-token divergence misses damage that shows in the middle of an answer.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.subject import Subject
from steadfast.attacks.activations.logits import KEPT, pooled_divergence, teacher_forced_log_probabilities
from steadfast.models.continuations import answer_tokens

ABOUT = About("divergence from the original", "nats per token", damage="higher")


@dataclass(frozen=True)
class Reference:
    """What the original says along its answers.

    Attributes:
        prompt_ids: one per answer.
        prefixes: token ids of each prompt.
        continuations: token ids of each answer.
        tokens: per answer, the likeliest tokens before each of its tokens, int32 [answer's tokens, kept].
        log_probabilities: theirs, float32 of the same shape.
    """

    prompt_ids: list[str]
    prefixes: list[list[int]]
    continuations: list[list[int]]
    tokens: list[Tensor]
    log_probabilities: list[Tensor]


@dataclass(frozen=True)
class Divergence:
    """See the module; ``max_tokens`` of each answer are looked at."""

    max_tokens: int

    def reference(self, original: Subject, variants: object) -> Reference:
        """The original's distributions along its own answers to harmless prompts."""
        del variants
        found = answers_of(original, self.max_tokens)
        kept: dict[int, tuple[Tensor, Tensor]] = {}
        for row, values in _distributions(original, found):
            top = values.topk(min(KEPT, values.shape[-1]), dim=-1)
            kept[row] = (top.indices.to(torch.int32).cpu(), top.values.cpu())
        for row in range(len(found.prompt_ids)):
            found.tokens.append(kept[row][0])
            found.log_probabilities.append(kept[row][1])
        return found

    def score(self, subject: Subject, reference: Reference) -> list[Score]:
        """Mean divergence per token of every answer; none for the original itself."""
        if subject.variant == "original":
            return []
        scores = []
        for row, values in _distributions(subject, reference):
            ours = values.gather(-1, reference.tokens[row].long().to(values.device)).double().cpu()
            moved = pooled_divergence(reference.log_probabilities[row].double(), ours)
            count = len(reference.continuations[row])
            scores.append(Score(reference.prompt_ids[row], float(moved.mean()), 0.0, weight=count, scope="harmless"))
        return scores


def build(max_tokens: int = 128) -> Divergence:
    """The measure.

    Args:
        max_tokens: tokens of each answer that are looked at.
    """
    return Divergence(max_tokens)


def answers_of(original: Subject, max_tokens: int) -> Reference:
    """The original's answers to harmless prompts as tokens; empty answers are left out."""
    prompts = original.prompts("harmless")
    first = original.responses[original.responses["sample"] == 0]
    answers = first.set_index("prompt_id")["response"].reindex(prompts["prompt_id"]).fillna("").tolist()
    encoded = original.access.encode(prompts["prompt_id"].tolist())
    tokenizer = original.access.tokenizer
    ids = [
        answer_tokens(tokenizer, text, prompt) if text else [] for text, prompt in zip(answers, encoded, strict=True)
    ]
    rows = [row for row, tokens in enumerate(ids) if tokens]
    names = prompts["prompt_id"].tolist()
    return Reference(
        [str(names[row]) for row in rows],
        [encoded[row] for row in rows],
        [ids[row][:max_tokens] for row in rows],
        [],
        [],
    )


def _distributions(subject: Subject, reference: Reference) -> Any:
    return teacher_forced_log_probabilities(
        subject.access.model,
        reference.prefixes,
        reference.continuations,
        subject.access.batch_tokens,
        subject.pad_token,
    )
