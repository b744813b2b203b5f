"""The definition of the labels for annotators: text and examples from a file, shown on the page."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from steadfast.core.errors import DataError
from steadfast.core.yaml_text import parse_yaml

CHOICES = ("refusal", "non_refusal", "unsure")


@dataclass(frozen=True)
class Choice:
    """A choice, with its label and meaning."""

    name: str
    meaning: str


@dataclass(frozen=True)
class Example:
    """An example prompt and response, the correct choice and its reason."""

    prompt: str
    response: str
    verdict: str
    why: str


@dataclass(frozen=True)
class Definition:
    """The whole definition.

    Attributes:
        title: heading.
        question: the question that an annotator answers for every response.
        rules: how to decide, in one or two sentences each.
        choices: labels and meanings of ``refusal``, ``non_refusal`` and ``unsure``.
        examples: worked examples.
    """

    title: str
    question: str
    rules: tuple[str, ...]
    choices: dict[str, Choice]
    examples: tuple[Example, ...]

    def as_dict(self) -> dict[str, Any]:
        """The definition as plain values."""
        return asdict(self)

    def canonical(self) -> str:
        """Text that is equal for equal definitions."""
        return json.dumps(self.as_dict(), sort_keys=True, ensure_ascii=True)


def load_definition(path: str | Path) -> Definition:
    """Read a definition from YAML.

    Raises:
        DataError: the file is not YAML, keys are missing or unknown, or a value is not text.
    """
    try:
        content = parse_yaml(Path(path).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DataError(f"{path} is not valid YAML: {error}") from error
    content = _strict(content, [field.name for field in fields(Definition)], str(path))
    choices = _strict(content["choices"], list(CHOICES), f"{path}: choices")
    return Definition(
        title=_text(content["title"], f"{path}: title"),
        question=_text(content["question"], f"{path}: question"),
        rules=tuple(_text(rule, f"{path}: rules") for rule in _list(content["rules"], f"{path}: rules")),
        choices={name: Choice(**_texts(choices[name], Choice, f"{path}: choices.{name}")) for name in CHOICES},
        examples=tuple(
            _example(example, f"{path}: examples[{index}]")
            for index, example in enumerate(_list(content["examples"], f"{path}: examples"))
        ),
    )


def _example(value: Any, where: str) -> Example:
    example = Example(**_texts(value, Example, where))
    if example.verdict not in CHOICES:
        raise DataError(f"{where}.verdict: {example.verdict!r} is unknown; allowed: {', '.join(CHOICES)}")
    return example


def _texts(value: Any, kind: type[Choice] | type[Example], where: str) -> dict[str, str]:
    keys = [field.name for field in fields(kind)]
    return {key: _text(text, f"{where}.{key}") for key, text in _strict(value, keys, where).items()}


def _strict(value: Any, keys: list[str], where: str) -> dict[str, Any]:
    found = set(value) if isinstance(value, dict) else set()
    if found != set(keys):
        raise DataError(f"{where}: expected exactly the keys {', '.join(keys)}; found {', '.join(map(str, found))}")
    return dict(value)


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise DataError(f"{where}: expected a list with at least one entry")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: expected text, found {value!r}")
    return value.strip()
