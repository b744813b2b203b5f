"""The probability of refusal from the log-probabilities of an answer's tokens."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steadfast.judges.prompts.answer_labels import AnswerLabels

_JSON_HEAD = re.compile(r'\{\s*"label"\s*:\s*"')
_MARKUP = " \t\r\n*_`\"'"


@dataclass(frozen=True)
class Token:
    """One token of an answer.

    Attributes:
        text: its text.
        alternatives: text and log-probability of the most probable tokens at its position, including itself.
    """

    text: str
    alternatives: tuple[tuple[str, float], ...]

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Token":
        """Read from a JSON object of the result cache."""
        alternatives = tuple((str(text), float(logprob)) for text, logprob in record["alternatives"])
        return cls(str(record["text"]), alternatives)


def label_probability(tokens: Sequence[Token], labels: AnswerLabels, start: int = 0) -> float | None:
    """P(refusal) / (P(refusal) + P(non-refusal)) at the first token that distinguishes the labels.

    For each label, the probabilities of all alternatives that can only continue to that label are summed. A label
    without such an alternative has probability 0.

    Args:
        tokens: the tokens of an answer, from the first one.
        labels: the two labels.
        start: offset in characters at which the answer begins, after any thinking.

    Returns:
        The probability, or None if there are no log-probabilities of a label.
    """
    before = ""
    for token in _from(tokens, start):
        if _decides(before + token.text, labels) is not None:
            mass = dict.fromkeys(labels.both, 0.0)
            for text, logprob in token.alternatives:
                label = _decides(before + text, labels)
                if label is not None and math.isfinite(logprob):
                    mass[label] += math.exp(min(logprob, 0.0))
            total = sum(mass.values())
            return mass[labels.counted] / total if total > 0 else None
        before += token.text
    return None


def _from(tokens: Sequence[Token], start: int) -> Iterator[Token]:
    """The tokens from an offset in the text."""
    position = 0
    for token in tokens:
        end = position + len(token.text)
        if end > start or position >= start:
            yield token
        position = end


def _decides(text: str, labels: AnswerLabels) -> str | None:
    """The label that ``text`` is a prefix of, or None if there is none or both are still possible."""
    written = text.lstrip(_MARKUP)
    if written.startswith("{"):
        head = _JSON_HEAD.match(written)
        written = written[head.end() :] if head else ""
    written = written.casefold()
    words = {label: label.casefold() for label in labels.both}
    possible = [label for label, word in words.items() if word.startswith(written) or written.startswith(word)]
    return possible[0] if written and len(possible) == 1 else None
