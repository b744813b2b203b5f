"""Parsing of a guard's output: whole lines, by patterns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED, VerdictName
from steadfast.generation.thinking import split_thinking
from steadfast.judges.chat_api.probabilities import Token, label_probability
from steadfast.judges.interface import Verdict
from steadfast.judges.prompts.answer_labels import AnswerLabels


@dataclass(frozen=True)
class GuardReader:
    """Reads answers.

    Attributes:
        counted: patterns of lines for the counted verdict: refusal, or compliance.
        other: patterns of lines for the opposite verdict.
    """

    counted: tuple[str, ...]
    other: tuple[str, ...]

    def read(self, text: str, *, cut: bool = False, tokens: Sequence[Token] = ()) -> Verdict:
        """The verdict in an answer, ignoring thinking; unscored if no line, or lines of both verdicts, are found.

        Args:
            text: the answer.
            cut: whether it was cut off at the token limit.
            tokens: its tokens with their log-probabilities, if requested.
        """
        split = split_thinking(text)
        if not split.closed:
            return Verdict(UNSCORED, raw=text, reason="the guard did not come to the end of its thinking")
        lines = [line.strip() for line in split.response.splitlines() if line.strip()]
        found: dict[VerdictName, list[str]] = {
            REFUSAL: _matching(self._counted, lines),
            NON_REFUSAL: _matching(self._other, lines),
        }
        matching = [verdict for verdict, matched in found.items() if matched]
        if len(matching) == 1:
            line = found[matching[0]][0]
            return Verdict(matching[0], self._probability(tokens, text.rfind(line)), text, line)
        if matching:
            return Verdict(UNSCORED, raw=text, reason="lines of the guard's answer contradict each other")
        why = "was cut off at its token limit (`max_tokens`)" if cut else "has no line that the patterns match"
        return Verdict(UNSCORED, raw=text, reason=f"the guard's answer {why}")

    def _probability(self, tokens: Sequence[Token], start: int) -> float | None:
        """Probability of the counted verdict, at the first token of the deciding line; None if unknown.

        Patterns match whole lines, not beginnings of lines, so only plain words have a probability.
        """
        if len(self.counted) != 1 or len(self.other) != 1 or start < 0:
            return None
        words = (*self.counted, *self.other)
        plain = all(re.escape(word).replace("\\ ", " ") == word for word in words)
        return label_probability(tokens, AnswerLabels(*words), start) if tokens and plain else None

    @cached_property
    def _counted(self) -> list[re.Pattern[str]]:
        return [re.compile(pattern, re.IGNORECASE) for pattern in self.counted]

    @cached_property
    def _other(self) -> list[re.Pattern[str]]:
        return [re.compile(pattern, re.IGNORECASE) for pattern in self.other]


def _matching(patterns: Sequence[re.Pattern[str]], lines: Sequence[str]) -> list[str]:
    return [line for line in lines if any(pattern.fullmatch(line) for pattern in patterns)]
