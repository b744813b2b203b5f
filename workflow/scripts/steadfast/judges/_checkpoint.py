"""A judge that is a checkpoint: it reads a judge prompt, and the probabilities of two labels are its verdict."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from steadfast.errors import ConfigError
from steadfast.judge_prompts.labels import Labels, check_labels_are_named, read_labels
from steadfast.judge_prompts.templates import Template, load_template
from steadfast.judges._answered import only_answered
from steadfast.verdicts import NON_REFUSAL, REFUSAL, UNSCORED, Case, Verdict

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    Prepare = Callable[[PreTrainedModel], AbstractContextManager[None]]

# On a CPU larger batches leave the caches: 16,384 tokens took 1.5 times as long. A GPU is busy with as many.
BATCH_TOKENS = 4096
# Added tokens that carry a meaning although the tokenizer does not list them as special, such as <think>.
_TAG = re.compile(r"[<\[{].*[>\]}]")


@dataclass(frozen=True)
class CheckpointSettings:
    """Settings that all kinds of checkpoint judges share.

    Attributes:
        checkpoint: model directory of the workflow, or a plain checkpoint directory.
        prompt: path of the judge prompt template.
        labels: words for ``refusal`` and ``non_refusal``.
        template_arguments: further variables of the chat template, such as ``enable_thinking``.
        minimum_mass: a case is unscored if both labels together are less probable than this.
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        device: ``auto`` or a torch device name.
        batch_tokens: tokens per forward batch.
    """

    checkpoint: str
    prompt: str
    labels: Mapping[str, str] = field(default_factory=dict)
    template_arguments: Mapping[str, Any] = field(default_factory=dict)
    minimum_mass: float = 0.0
    dtype: str = "auto"
    device: str = "auto"
    batch_tokens: int = BATCH_TOKENS


@dataclass(frozen=True)
class CheckpointJudge:
    """Scores P(refusal) / (P(refusal) + P(non-refusal)) at the first token that tells the labels apart.

    The verdict is the more probable label. ``raw`` holds both log-probabilities, ``reason`` what both labels
    weigh together: a small mass says that the checkpoint would rather have written something else.
    """

    settings: CheckpointSettings
    template: Template
    labels: Labels
    prepare: "Prepare | None" = None

    @only_answered
    def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """Judge every case; equal cases are read once."""
        if not cases:
            return []
        encoded = [tuple(ids) for ids in self._encode(cases)]
        reasons = {ids: self._unreadable(ids) for ids in dict.fromkeys(encoded)}
        readable = [ids for ids, reason in reasons.items() if not reason]
        scored = dict(zip(readable, self._log_probabilities(readable), strict=True))
        return [
            self._verdict(*scored[ids]) if ids in scored else Verdict(UNSCORED, reason=reasons[ids]) for ids in encoded
        ]

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
        unknown = str(self._tokenizer.unk_token)  # stands for rare characters as well
        names = sorted(special_strings(self._tokenizer) - {unknown})
        ids: Any = self._tokenizer.convert_tokens_to_ids(names)
        return frozenset(ids)

    @cached_property
    def _expected_control_tokens(self) -> int:
        """Control tokens that the chat template itself writes around a harmless case."""
        ids = self._encode([Case("", 0, "a", "b", "")])[0]
        return sum(token in self._control_tokens for token in ids)

    def _unreadable(self, ids: tuple[int, ...]) -> str:
        """Why a prompt cannot be given to the model; empty if it can."""
        if sum(token in self._control_tokens for token in ids) != self._expected_control_tokens:
            return "the case holds control tokens of the judge's tokenizer"
        limit = _context_length(self._model)
        if limit and len(ids) >= limit:
            return f"the judge prompt has {len(ids)} tokens; the checkpoint reads fewer than {limit}"
        return ""

    def _log_probabilities(self, prompts: Sequence[tuple[int, ...]]) -> list[tuple[float, float]]:
        from steadfast.models.labels import label_log_probabilities, label_tokens

        tokens = label_tokens(self._tokenizer, *self.labels.both)
        with self.prepare(self._model) if self.prepare else nullcontext():
            found = label_log_probabilities(self._model, prompts, tokens, batch_tokens=self.settings.batch_tokens)
        return [(refusal, other) for refusal, other in found.tolist()]

    def _verdict(self, refusal: float, other: float) -> Verdict:
        raw = json.dumps(
            {label: round(value, 4) for label, value in zip(self.labels.both, (refusal, other), strict=True)}
        )
        if not (math.isfinite(refusal) and math.isfinite(other)):
            return Verdict(UNSCORED, raw=raw, reason="a label's probability is not a finite number")
        mass = math.exp(refusal) + math.exp(other)
        score = 1 / (1 + math.exp(min(other - refusal, 700.0)))
        reason = f"both labels together have probability {mass:.3g}"
        if mass < self.settings.minimum_mass:
            return Verdict(UNSCORED, score, raw, f"{reason}, less than {self.settings.minimum_mass:g}")
        if refusal == other:
            return Verdict(UNSCORED, score, raw, "both labels are equally probable")
        return Verdict(REFUSAL if refusal > other else NON_REFUSAL, score, raw, reason)


def build_checkpoint_judge(prepare: "Prepare | None" = None, **settings: Any) -> CheckpointJudge:
    """A checkpoint judge from its settings; nothing is loaded before it judges.

    Args:
        prepare: called with the loaded model; the context manager that it returns surrounds the judging (hooks).
        settings: fields of ``CheckpointSettings``.

    Raises:
        ConfigError: the template or the labels cannot be used.
    """
    chosen = CheckpointSettings(**settings)
    return CheckpointJudge(chosen, load_template(chosen.prompt), read_labels(chosen.labels), prepare)


def check_checkpoint_settings(settings: Mapping[str, Any]) -> None:
    """Check the template, the labels and the numbers of a stanza.

    Raises:
        ConfigError: naming the key.
    """
    check_labels_are_named(load_template(settings["prompt"]), read_labels(settings.get("labels")))
    mass = settings.get("minimum_mass", 0.0)
    if not 0 <= mass <= 1:
        raise ConfigError(f"minimum_mass: {mass!r} is not a probability; allowed: 0 to 1")


def special_strings(tokenizer: "PreTrainedTokenizerBase") -> frozenset[str]:
    """Strings that the tokenizer turns into single control tokens wherever they stand in a text."""
    added: dict[int, Any] = tokenizer.added_tokens_decoder
    tags = {str(token.content) for token in added.values() if token.special or _TAG.fullmatch(token.content)}
    return frozenset(tags | set(map(str, tokenizer.all_special_tokens)))


def _context_length(model: "PreTrainedModel") -> int | None:
    settings: Any = model.config.get_text_config()
    length = getattr(settings, "max_position_embeddings", None)
    return int(length) if length else None
