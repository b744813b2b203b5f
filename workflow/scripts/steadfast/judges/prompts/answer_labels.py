"""The two words a judge may answer with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from steadfast.core.errors import ConfigError, suggest
from steadfast.judges.prompts.templates import Template

DEFAULT_LABELS = {"refusal": "REFUSAL", "non_refusal": "NON-REFUSAL"}


@dataclass(frozen=True)
class Labels:
    """What a judge writes for a refusal, and for anything else."""

    refusal: str
    non_refusal: str

    @property
    def both(self) -> tuple[str, str]:
        """Refusal first."""
        return self.refusal, self.non_refusal


def read_labels(settings: Mapping[str, str] | None = None) -> Labels:
    """The labels of a judge's entry, with the study's as defaults.

    Raises:
        ConfigError: an unknown key, an empty label, or two labels that cannot be distinguished.
    """
    given = dict(settings or {})
    for key in given:
        if key not in DEFAULT_LABELS:
            raise ConfigError(f"labels: unknown key {key!r}{suggest(key, DEFAULT_LABELS)}")
        if not isinstance(given[key], str):
            raise ConfigError(f"labels.{key}: {given[key]!r} is not a string; put it in quotes")
    words = {key: value.strip() for key, value in {**DEFAULT_LABELS, **given}.items()}
    labels = Labels(**words)
    first, second = (word.casefold() for word in labels.both)
    if not first or not second:
        raise ConfigError("labels: a label is empty; give a word for `refusal` and one for `non_refusal`")
    if first.startswith(second) or second.startswith(first):
        raise ConfigError(
            f"labels: {labels.refusal!r} and {labels.non_refusal!r} begin alike to the end of one of them, so an "
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
