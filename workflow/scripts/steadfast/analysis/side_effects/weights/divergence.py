"""Teacher-forced divergence: how far a variant's next-token distributions diverge along the original's own responses.

At every token of the original's responses to harmless prompts, KL(original ‖ variant) of the next-token distributions,
in nats. A first-token divergence misses degradation in the middle of a response.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.settings import Criterion, MeasureSettings
from steadfast.core.names import ORIGINAL

if TYPE_CHECKING:
    from torch import Tensor

    from steadfast.analysis.side_effects.model_under_test import ModelUnderTest

ABOUT = About("divergence from the original", "nats per token", worse="higher")


class Settings(MeasureSettings):
    """Divergence of the next-token distributions along the original's own responses."""

    criterion: ClassVar[Criterion] = Criterion(
        "divergence",
        ("harmless",),
        "value",
        heading="Divergence",
        help="KL from the original on harmless prompts, nats per token.",
        axis="KL on harmless, nats",
    )

    answer_tokens: int = Field(
        128,
        ge=1,
        le=1000000,
        description=(
            "Tokens of each of the original's answers along which `divergence` compares the next-token distributions."
        ),
    )

    def tokens(self, prompts: float, prompt_tokens: float) -> tuple[float, float]:
        """The original's answers to harmless prompts."""
        return prompts / 2 * (prompt_tokens + self.answer_tokens), 0.0


@dataclass(frozen=True)
class Reference:
    """Distributions of the original along its responses.

    Attributes:
        prompt_ids: one per response.
        prefixes: token ids of each prompt.
        continuations: token ids of each response.
        tokens: per response, the most likely next tokens at each of its positions, int32 [tokens, kept].
        log_probabilities: log-probabilities of ``tokens``, float32 of the same shape.
    """

    prompt_ids: list[str]
    prefixes: list[list[int]]
    continuations: list[list[int]]
    tokens: "list[Tensor]"
    log_probabilities: "list[Tensor]"


@dataclass(frozen=True)
class Divergence:
    """See the module; the first ``answer_tokens`` tokens of each response are compared."""

    answer_tokens: int

    def reference(self, original: "ModelUnderTest", variants: object) -> Reference:
        """The original's distributions along its own responses to harmless prompts."""
        import torch

        from steadfast.attacks.activations.logits import KEPT

        del variants
        found = answers_of(original, self.answer_tokens)
        kept: dict[int, tuple[Tensor, Tensor]] = {}
        for row, values in _distributions(original, found):
            top = values.topk(min(KEPT, values.shape[-1]), dim=-1)
            kept[row] = (top.indices.to(torch.int32).cpu(), top.values.cpu())
        for row in range(len(found.prompt_ids)):
            found.tokens.append(kept[row][0])
            found.log_probabilities.append(kept[row][1])
        return found

    def score(self, model: "ModelUnderTest", reference: Reference) -> list[Score]:
        """Mean divergence per token of every response; empty for the original itself."""
        from steadfast.attacks.activations.logits import pooled_divergence

        if model.variant == ORIGINAL:
            return []
        scores = []
        for row, values in _distributions(model, reference):
            ours = values.gather(-1, reference.tokens[row].long().to(values.device)).double().cpu()
            moved = pooled_divergence(reference.log_probabilities[row].double(), ours)
            count = len(reference.continuations[row])
            scores.append(Score(reference.prompt_ids[row], float(moved.mean()), 0.0, weight=count, scope="harmless"))
        return scores


def build(settings: Settings) -> Divergence:
    """The measure."""
    return Divergence(settings.answer_tokens)


def answers_of(original: "ModelUnderTest", max_tokens: int) -> Reference:
    """The original's responses to harmless prompts as tokens, without empty ones."""
    from steadfast.models.continuations import answer_tokens

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


def _distributions(model: "ModelUnderTest", reference: Reference) -> Any:
    from steadfast.attacks.activations.logits import teacher_forced_log_probabilities

    return teacher_forced_log_probabilities(
        model.access.model,
        reference.prefixes,
        reference.continuations,
        model.access.batch_tokens,
        model.pad_token,
    )
