"""Answer labels of a judge: two labels, or one per kind of refusal."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

from steadfast.core.errors import ConfigError, suggest
from steadfast.core.names import NON_REFUSAL, REFUSAL, REFUSAL_KINDS, AnyVerdict
from steadfast.judges.prompts.templates import Template

DEFAULT_LABELS = {"refusal": "REFUSAL", "non_refusal": "NON-REFUSAL"}
QUALITY = ("bad", "good")
COMPLIANCE = ("complied", "not_complied")
"""Labels of rubrics; they have no defaults."""


@dataclass(frozen=True)
class AnswerLabels:
    """The words that a judge answers with for the verdicts of its scale (``steadfast.judges.interface.Scale``).

    Attributes:
        counted: word for the counted verdict: a refusal, a bad response, or compliance.
        other: word for the opposite.
        further: words for further verdicts, if there are more than two.
        verdicts: the verdict of each word.
    """

    counted: str
    other: str
    further: tuple[str, ...] = ()
    verdicts: tuple[AnyVerdict, ...] = (REFUSAL, NON_REFUSAL)

    @property
    def both(self) -> tuple[str, str]:
        """Both words, the counted one first."""
        return self.counted, self.other

    @property
    def all(self) -> tuple[str, ...]:
        """All words, starting with ``both``."""
        return (*self.both, *self.further)

    def verdict_of(self, word: str) -> AnyVerdict:
        """The verdict of a word."""
        return self.verdicts[self.all.index(word)]


def read_labels(settings: Mapping[str, str] | None = None) -> AnswerLabels:
    """The labels of a judge's or rubric's entry; a judge's default to the study's labels.

    Raises:
        ConfigError: an unknown or missing key, an empty label, or two labels that cannot be distinguished.
    """
    given = dict(settings or {})
    keys = next(
        (pair for pair in (QUALITY, COMPLIANCE, REFUSAL_KINDS) if set(pair) & set(given)), tuple(DEFAULT_LABELS)
    )
    for key in given:
        if key not in keys:
            raise ConfigError(f"labels: unknown key {key!r}{suggest(key, keys)}")
        if not isinstance(given[key], str):
            raise ConfigError(f"labels.{key}: {given[key]!r} is not a string; put it in quotes")
    words = {**DEFAULT_LABELS, **given}
    missing = [key for key in keys if key not in words]
    if missing:
        raise ConfigError(f"labels: the key {missing[0]!r} is missing; found: {', '.join(given)}")
    counted, other, *further = (words[key].strip() for key in keys)
    labels = AnswerLabels(counted, other, tuple(further), REFUSAL_KINDS if further else (REFUSAL, NON_REFUSAL))
    if not all(labels.all):
        needed = ", ".join(f"`{key}`" for key in keys)
        raise ConfigError(f"labels: a label is empty; give a word for each of {needed}")
    for first, second in permutations(labels.all, 2):
        if second.casefold().startswith(first.casefold()):
            raise ConfigError(
                f"labels: {first!r} and {second!r} begin alike to the end of one of them, so an "
                "answer cannot be distinguished from the beginning of the other; choose others"
            )
    return labels


def check_labels_are_named(template: Template, labels: AnswerLabels) -> None:
    """Check that the template names the allowed labels.

    Raises:
        ConfigError: it does not name one of them.
    """
    text = "\n".join(content for _, content in template.parts)
    for label in labels.all:
        if not re.search(rf"(?<![\w-]){re.escape(label)}(?![\w-])", text):
            raise ConfigError(f"labels: the template {template.path} never names the label {label!r}")
