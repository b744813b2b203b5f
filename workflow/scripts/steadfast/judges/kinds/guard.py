"""A guard model as a judge: it reads the conversation in its own chat template and answers in its own format.

Its answer is parsed by patterns of whole lines. It is served by vLLM once for the whole grid, queried at an address, or
run inside the job.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steadfast.core.names import UNSCORED
from steadfast.core.result_cache import ResultCache
from steadfast.judges.chat_api.faults import Fault
from steadfast.judges.chat_api.replies import answer_from
from steadfast.judges.chat_api.settings import ChatJobSettings
from steadfast.judges.guards.classifying import Classifier, ClassReader
from steadfast.judges.guards.reading import GuardReader
from steadfast.judges.guards.settings import PAIRS, GuardSettings
from steadfast.judges.guards.turns import turns
from steadfast.judges.interface import Case, Judge, Verdict
from steadfast.judges.kinds.chat import ChatJudge
from steadfast.judges.prompts.answer_labels import read_labels
from steadfast.judges.prompts.templates import load_template
from steadfast.judges.unscored import only_answered


class Settings(GuardSettings):
    """A safety classifier (Qwen3Guard, Llama Guard, WildGuard, ...) with its own output format."""


class GuardJobSettings(GuardSettings, ChatJobSettings):
    """Arguments of a guard's job: its settings, with ``serve`` replaced by a checkpoint."""


@dataclass(frozen=True)
class GuardJudge(ChatJudge):
    """Queries a guard for every case that is not in the result cache.

    Attributes:
        reader: parses its answers.
        classes: interprets its classes, if it is a sequence classifier.
    """

    reader: GuardReader
    classes: ClassReader | None = None

    @only_answered
    def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """Judge every case; equal cases are judged once."""
        settings: Any = self.settings
        if settings.in_process:
            return self._run_here(cases)
        return super().judge(cases)

    def _verdict(self, key: str, store: ResultCache, faults: Mapping[str, Fault]) -> Verdict:
        record = store.get(key)
        if record is None:
            return Verdict(UNSCORED, reason=f"no answer: {faults[key].reason}")
        answer = answer_from(record)
        if answer.refusal:
            return Verdict(UNSCORED, raw=answer.refusal, reason="the guard refused to judge")
        return self.reader.read(answer.text, cut=answer.finish_reason == "length", tokens=answer.logprobs)

    def _run_here(self, cases: Sequence[Case]) -> list[Verdict]:
        from steadfast.judges.guards.running import answers_of

        if not cases:
            return []
        conversations = [self.template.render(case.prompt, case.response, self._special) for case in cases]
        settings: Any = self.settings
        if self.classes is not None:
            classifier = Classifier(str(settings.checkpoint), settings.template_arguments, settings.dtype)
            classifier.check(self.classes)
            return [self.classes.read(found, classifier.names) for found in classifier.probabilities(conversations)]
        found = answers_of(
            str(settings.checkpoint),
            conversations,
            max_tokens=settings.max_tokens,
            template_arguments=settings.template_arguments,
            dtype=settings.dtype,
        )
        return [self.reader.read(text, cut=cut) for text, cut in found]


def build(**settings: Any) -> Judge:
    """Build a guard from its settings, with ``serve`` replaced by ``checkpoint``; see ``GuardJobSettings``.

    Raises:
        ConfigError: a setting, the template or a pattern cannot be used.
    """
    chosen: Any = GuardJobSettings.read(settings)
    template = load_template(chosen.prompt) if chosen.prompt else turns()
    counted, other = (tuple(getattr(chosen.labels, key)) for key in PAIRS[chosen.outcome])
    sides = [tuple(getattr(chosen.classes, key)) for key in PAIRS[chosen.outcome]] if chosen.classes else []
    return GuardJudge(
        chosen, template, read_labels(), GuardReader(counted, other), ClassReader(*sides) if sides else None
    )
