"""Verifiable instructions: whether a response has the required length, form and words.

After IFEval (Zhou et al. 2023, arXiv 2311.07911), with other tasks.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from steadfast.core.errors import DataError, suggest
from steadfast.core.yaml_text import parse_yaml

Check = Callable[[str, Any], bool]
_SENTENCE_END = re.compile(r"[.!?]+(?=\s|$)")
_FENCE = re.compile(r"\A```\w*\n(.*?)\n?```\Z", re.DOTALL)


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        name: its name.
        prompt: text of the prompt.
        checks: checks that the response must pass: names of ``CHECKS`` with their arguments.
    """

    name: str
    prompt: str
    checks: Mapping[str, Any]

    def followed(self, answer: str) -> bool:
        """Whether a response passes all checks; an empty response fails."""
        text = answer.strip()
        return bool(text) and all(CHECKS[name](text, wanted) for name, wanted in self.checks.items())


def load_tasks(path: str | Path) -> list[Task]:
    """Read tasks: a YAML mapping of names to ``prompt`` and ``checks``.

    Raises:
        DataError: the file has another structure; the message names the task.
    """
    try:
        data = parse_yaml(Path(path).read_text(encoding="utf-8"))
        tasks = [_task(str(name), entry) for name, entry in data.items()]
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        raise DataError(f"{path} is not valid YAML: {error}") from None
    except (AttributeError, KeyError, TypeError) as error:
        raise DataError(f"{path}: a task is a name with `prompt` and `checks`: {error}") from None
    if not tasks:
        raise DataError(f"{path}: holds no tasks")
    return tasks


def _task(name: str, entry: Mapping[str, Any]) -> Task:
    checks = dict(entry["checks"])
    for check in checks:
        if check not in CHECKS:
            raise DataError(f"{name}.checks: unknown check {check!r}{suggest(str(check), CHECKS)}")
    if not checks:
        raise DataError(f"{name}.checks: at least one is needed")
    for check, wanted in checks.items():
        try:
            CHECKS[check]("probe", wanted)
        except (TypeError, ValueError, re.error) as error:
            raise DataError(f"{name}.checks.{check}: {wanted!r} cannot be used: {error}") from None
    return Task(name, str(entry["prompt"]), checks)


def _at_least_words(text: str, count: int) -> bool:
    return len(text.split()) >= int(count)


def _at_most_words(text: str, count: int) -> bool:
    return len(text.split()) <= int(count)


def _sentences(text: str, count: int) -> bool:
    return len(_SENTENCE_END.findall(text)) == int(count)


def _lines(text: str, count: int) -> bool:
    return len(_lines_of(text)) == int(count)


def _every_line_starts(text: str, start: str) -> bool:
    return all(line.startswith(start) for line in _lines_of(text))


def _contains(text: str, words: list[str]) -> bool:
    return all(_occurrences(text, word) > 0 for word in words)


def _excludes(text: str, words: list[str]) -> bool:
    return all(_occurrences(text, word) == 0 for word in words)


def _repeats(text: str, counts: Mapping[str, int]) -> bool:
    return all(_occurrences(text, word) >= int(count) for word, count in counts.items())


def _starts_with(text: str, start: str) -> bool:
    return text.casefold().startswith(str(start).casefold())


def _ends_with(text: str, end: str) -> bool:
    return text.rstrip(" .!\"'*").casefold().endswith(str(end).rstrip(" .!\"'*").casefold())


def _letters(text: str, case: str) -> bool:
    if case not in ("upper", "lower"):
        raise ValueError("allowed: upper, lower")
    return text == (text.upper() if case == "upper" else text.lower())


def _json_keys(text: str, keys: list[str]) -> bool:
    fenced = _FENCE.match(text)
    try:
        found = json.loads(fenced[1] if fenced else text)
    except ValueError:
        return False
    return isinstance(found, dict) and set(found) == set(keys)


def _matches(text: str, pattern: str) -> bool:
    return re.search(pattern, text) is not None


def _lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _occurrences(text: str, word: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(str(word))}(?!\w)", text, re.IGNORECASE))


CHECKS: dict[str, Check] = {
    "at_least_words": _at_least_words,
    "at_most_words": _at_most_words,
    "sentences": _sentences,
    "lines": _lines,
    "every_line_starts": _every_line_starts,
    "contains": _contains,
    "excludes": _excludes,
    "repeats": _repeats,
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "letters": _letters,
    "json_keys": _json_keys,
    "matches": _matches,
}
