"""A judge that is a checkpoint: its verdict follows from the probabilities of two labels after a judge prompt.

The labels are scored directly after the prompt, or after the thinking if the checkpoint thinks first. If both labels
are improbable, the checkpoint would generate something else, and the case is unscored.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import Field

from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED
from steadfast.judges.interface import Case, Verdict
from steadfast.judges.prompts.answer_labels import AnswerLabels, read_labels
from steadfast.judges.prompts.templates import Template, load_template
from steadfast.judges.settings import MINIMUM_MASS, CheckpointJudgeSettings
from steadfast.judges.thinking_first import Thinker
from steadfast.judges.unscored import only_answered
from steadfast.models.settings import Dtype

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from steadfast.models.label_probabilities import LabelTokens

    Prepare = Callable[[PreTrainedModel], AbstractContextManager[None]]

# On a CPU, larger batches exceed the caches: 16,384 tokens took 1.5 times as long. A GPU is saturated as well.
BATCH_TOKENS = 4096
# Added tokens with a meaning that the tokenizer does not list as special, such as <think>.
# Number of tokens at the end of a prompt that determine how a label after it is tokenized.
ENDING = 32
THINKS_FIRST = (
    "the judge thinks before it answers: allow it `max_thinking_tokens`, or switch thinking off with the "
    "`template_arguments` of its model"
)
Ids = tuple[int, ...]
_TAG = re.compile(r"[<\[{].*[>\]}]")


class CheckpointJobSettings(CheckpointJudgeSettings):
    """Arguments of a checkpoint judge's job: its settings, and machine settings.

    Attributes:
        checkpoint: model directory of the workflow, or a plain checkpoint directory.
        template_arguments: further variables of the chat template, such as ``enable_thinking``.
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        device: ``auto`` or a torch device name.
        batch_tokens: tokens per forward batch.
    """

    checkpoint: str
    template_arguments: dict[str, Any] = Field(default_factory=dict)
    dtype: Dtype = "auto"
    device: str = "auto"
    batch_tokens: int = BATCH_TOKENS


@dataclass(frozen=True)
class CheckpointJudge:
    """Scores P(refusal) / (P(refusal) + P(non-refusal)) at the first token that distinguishes the labels.

    The verdict is the more probable label. ``raw`` holds both log-probabilities, ``reason`` their total probability; if
    it is small, the checkpoint would rather generate something else.
    """

    settings: CheckpointJobSettings
    template: Template
    labels: AnswerLabels
    prepare: "Prepare | None" = None

    @only_answered
    def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """Judge every case; equal cases are judged once."""
        if not cases:
            return []
        encoded = [tuple(ids) for ids in self._encode(cases)]
        reasons = {ids: self._unreadable(ids) for ids in dict.fromkeys(encoded)}
        with self.prepare(self._model) if self.prepare else nullcontext():
            found = self._read([ids for ids, reason in reasons.items() if not reason])
        return [found[ids] if ids in found else Verdict(UNSCORED, reason=reasons[ids]) for ids in encoded]

    @cached_property
    def _model(self) -> "PreTrainedModel":
        from steadfast.models.loading import load_model

        return load_model(self.settings.checkpoint, dtype=self.settings.dtype, device=self.settings.device)

    @cached_property
    def _tokenizer(self) -> "PreTrainedTokenizerBase":
        from steadfast.models.loading import load_tokenizer

        return load_tokenizer(self.settings.checkpoint)

    def _encode(self, cases: Sequence[Case]) -> list[list[int]]:
        from steadfast.models.chat import encode_chat

        special = special_strings(self._tokenizer)
        conversations = [self.template.render(case.prompt, case.response, special) for case in cases]
        return encode_chat(self._tokenizer, conversations, self.settings.template_arguments)

    @cached_property
    def _control_tokens(self) -> frozenset[int]:
        unknown = str(self._tokenizer.unk_token)  # represents rare characters too
        names = sorted(special_strings(self._tokenizer) - {unknown})
        ids: Any = self._tokenizer.convert_tokens_to_ids(names)
        return frozenset(ids)

    @cached_property
    def _expected_control_tokens(self) -> int:
        """Control tokens that the chat template itself writes around a harmless case."""
        ids = self._encode([Case("", 0, "a", "b", "")])[0]
        return sum(token in self._control_tokens for token in ids)

    def _unreadable(self, ids: tuple[int, ...]) -> str:
        """Why a prompt cannot be passed to the model; empty if it can."""
        if sum(token in self._control_tokens for token in ids) != self._expected_control_tokens:
            return "the case holds control tokens of the judge's tokenizer"
        limit = _context_length(self._model)
        if limit and len(ids) >= limit:
            return f"the judge prompt has {len(ids)} tokens; the checkpoint reads fewer than {limit}"
        return ""

    def _read(self, prompts: Sequence[Ids]) -> dict[Ids, Verdict]:
        """Verdicts by prompt, scored after the prompt or, if the checkpoint thinks first, after the thinking."""
        thinker = Thinker(self._model, self._tokenizer, self.settings.checkpoint)
        plain = [ids for ids in prompts if not thinker.is_open(ids)]
        scores = self._log_probabilities(plain)
        unlikely = [ids for ids in plain if _mass(*scores[ids]) < max(self.settings.minimum_mass, MINIMUM_MASS)]
        begun = dict(zip(unlikely, thinker.begins(unlikely), strict=True)) if unlikely else {}
        thinking = [ids for ids in prompts if begun.get(ids, ids not in scores)]
        return {ids: self._verdict(*pair) for ids, pair in scores.items()} | self._read_after_thinking(
            thinker, thinking
        )

    def _read_after_thinking(self, thinker: Thinker, prompts: Sequence[Ids]) -> dict[Ids, Verdict]:
        """Verdicts scored after the thinking."""
        limit = self.settings.max_thinking_tokens
        if not limit:
            return dict.fromkeys(prompts, Verdict(UNSCORED, reason=THINKS_FIRST))
        thoughts = dict(zip(prompts, thinker.think(prompts, limit), strict=True)) if prompts else {}
        behind = {ids: (*ids, *thought.tokens) for ids, thought in thoughts.items() if thought.closed}
        scores = self._log_probabilities(list(dict.fromkeys(behind.values())))
        endless = Verdict(UNSCORED, reason=f"the judge did not come to the end of its thinking within {limit} tokens")
        return {ids: self._verdict(*scores[behind[ids]]) if ids in behind else endless for ids in prompts}

    def _log_probabilities(self, prompts: Sequence[Ids]) -> dict[Ids, tuple[float, float]]:
        """Log-probabilities of both labels by prompt; prompts with the same label tokens are batched together."""
        from steadfast.models.label_probabilities import label_log_probabilities

        groups: dict[LabelTokens, list[Ids]] = {}
        for ids in prompts:
            groups.setdefault(self._label_tokens(ids[-ENDING:]), []).append(ids)
        found: dict[Ids, tuple[float, float]] = {}
        for tokens, rows in groups.items():
            pairs = label_log_probabilities(self._model, rows, tokens, batch_tokens=self.settings.batch_tokens)
            found |= {ids: (refusal, other) for ids, (refusal, other) in zip(rows, pairs.tolist(), strict=True)}
        return found

    def _label_tokens(self, ending: Ids) -> "LabelTokens":
        from steadfast.models.label_probabilities import label_tokens

        if ending not in self._known_labels:
            self._known_labels[ending] = label_tokens(self._tokenizer, *self.labels.both, ending)
        return self._known_labels[ending]

    @cached_property
    def _known_labels(self) -> "dict[Ids, LabelTokens]":
        """Label tokens by the end of the prompt."""
        return {}

    def _verdict(self, refusal: float, other: float) -> Verdict:
        raw = json.dumps(
            {label: round(value, 4) for label, value in zip(self.labels.both, (refusal, other), strict=True)}
        )
        if not (math.isfinite(refusal) and math.isfinite(other)):
            return Verdict(UNSCORED, raw=raw, reason="a label's probability is not a finite number")
        mass = _mass(refusal, other)
        score = 1 / (1 + math.exp(min(other - refusal, 700.0)))
        reason = f"both labels together have probability {mass:.3g}"
        if mass < self.settings.minimum_mass:
            least = self.settings.minimum_mass
            return Verdict(UNSCORED, score, raw, f"{reason}, less than {least:g} (`minimum_mass`)")
        if refusal == other:
            return Verdict(UNSCORED, score, raw, "both labels are equally probable")
        return Verdict(REFUSAL if refusal > other else NON_REFUSAL, score, raw, reason)


def build_checkpoint_judge(prepare: "Prepare | None" = None, **settings: Any) -> CheckpointJudge:
    """Build a checkpoint judge from its settings; the model is loaded when it first judges.

    Args:
        prepare: called with the loaded model; returns a context manager that is active while judging (hooks).
        settings: fields of ``CheckpointSettings``.

    Raises:
        ConfigError: the template or the labels cannot be used.
    """
    chosen = CheckpointJobSettings.read_scorer(settings)
    return CheckpointJudge(chosen, load_template(chosen.prompt), read_labels(chosen.labels.as_dict()), prepare)


def _mass(refusal: float, other: float) -> float:
    """Total probability of both labels."""
    return math.exp(refusal) + math.exp(other)


def special_strings(tokenizer: "PreTrainedTokenizerBase") -> frozenset[str]:
    """Strings that the tokenizer parses as control tokens anywhere in a text."""
    added: dict[int, Any] = tokenizer.added_tokens_decoder
    tags = {str(token.content) for token in added.values() if token.special or _TAG.fullmatch(token.content)}
    return frozenset(tags | set(map(str, tokenizer.all_special_tokens)))


def _context_length(model: "PreTrainedModel") -> int | None:
    settings: Any = model.config.get_text_config()
    length = getattr(settings, "max_position_embeddings", None)
    return int(length) if length else None
