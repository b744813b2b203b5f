"""The two words a judge may answer with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from steadfast.core.errors import ConfigError, suggest
from steadfast.judges.prompts.templates import Template

DEFAULT_LABELS = {"refusal": "REFUSAL", "non_refusal": "NON-REFUSAL"}
QUALITY = ("bad", "good")
COMPLIANCE = ("complied", "not_complied")
"""Labels of rubrics; they have no defaults."""


@dataclass(frozen=True)
class Labels:
    """The words that a judge writes for the two verdicts of its scale (``steadfast.judges.interface.Scale``).

    Attributes:
        counted: for the verdict whose share is reported: a refusal, a bad response, or compliance.
        other: for the opposite.
    """

    counted: str
    other: str

    @property
    def both(self) -> tuple[str, str]:
        """The counted one first."""
        return self.counted, self.other


def read_labels(settings: Mapping[str, str] | None = None) -> Labels:
    """The labels of a judge's entry, with the study's as defaults, or those of a rubric's.

    Raises:
        ConfigError: an unknown or missing key, an empty label, or two labels that cannot be distinguished.
    """
    given = dict(settings or {})
    keys = next((pair for pair in (QUALITY, COMPLIANCE) if set(pair) & set(given)), tuple(DEFAULT_LABELS))
    for key in given:
        if key not in keys:
            raise ConfigError(f"labels: unknown key {key!r}{suggest(key, keys)}")
        if not isinstance(given[key], str):
            raise ConfigError(f"labels.{key}: {given[key]!r} is not a string; put it in quotes")
    words = {**DEFAULT_LABELS, **given}
    missing = [key for key in keys if key not in words]
    if missing:
        raise ConfigError(f"labels: the key {missing[0]!r} is missing; found: {', '.join(given)}")
    labels = Labels(*(words[key].strip() for key in keys))
    first, second = (word.casefold() for word in labels.both)
    if not first or not second:
        raise ConfigError(f"labels: a label is empty; give a word for `{keys[0]}` and one for `{keys[1]}`")
    if first.startswith(second) or second.startswith(first):
        raise ConfigError(
            f"labels: {labels.counted!r} and {labels.other!r} begin alike to the end of one of them, so an "
            "answer cannot be distinguished from the beginning of the other; choose others"
        )
    return labels


def check_labels_are_named(template: Template, labels: Labels) -> None:
    """Check that the template tells the judge which words it may answer with.

    Raises:
        ConfigError: it does not hold one of them.
    """
    text = "\n".join(content for _, content in template.parts)
    for label in labels.both:
        if not re.search(rf"(?<![\w-]){re.escape(label)}(?![\w-])", text):
            raise ConfigError(f"labels: the template {template.path} never names the label {label!r}")
