"""Prompts made of several columns of a row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steadfast.core.errors import ConfigError, DataError
from steadfast.prompts.sources.reading.where import is_missing

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")


@dataclass(frozen=True)
class PromptTemplate:
    """A text with columns in braces.

    Attributes:
        text: the template.
        columns: the columns that it names, in order.
    """

    text: str
    columns: tuple[str, ...]

    def fill(self, cells: Mapping[str, Any]) -> str:
        """The prompt of a row; empty if all its columns are.

        Raises:
            DataError: some of its columns are empty, or hold something else than a text or a number.
        """
        empty = [column for column in self.columns if is_missing(cells.get(column))]
        if len(empty) == len(self.columns):
            return ""
        if empty:
            raise DataError(
                f"column {empty[0]!r} is empty, and `template` puts it into the prompt; leave such rows out by "
                "`where`, for example with {not: null}"
            )
        return _TOKEN.sub(lambda token: _filled(token, cells), self.text)


def read_template(text: str) -> PromptTemplate:
    """Read a template: columns in braces, and doubled braces for braces.

    Raises:
        ConfigError: it names no column, or has an unmatched brace.
    """
    columns = []
    for token in _TOKEN.finditer(text):
        if token.group(1):
            columns.append(token.group(1).strip())
        elif len(token.group()) == 1:
            around = text[max(token.start() - 10, 0) : token.end() + 10]
            raise ConfigError(
                f"template: a single {token.group()!r} in {around!r}; allowed: {{column}}, and {{{{ or }}}} for a brace"
            )
    if not columns:
        raise ConfigError(
            f"template: {text[:60]!r} names no column; allowed: a text with columns in braces, such as {{text}}"
        )
    return PromptTemplate(text, tuple(dict.fromkeys(columns)))


def _filled(token: re.Match[str], cells: Mapping[str, Any]) -> str:
    if token.group(1) is None:
        return token.group()[0]
    cell = cells[token.group(1).strip()]
    if isinstance(cell, list | dict):
        raise DataError(
            f"column {token.group(1).strip()!r} holds a {type(cell).__name__}, which cannot be put into a text"
        )
    return str(cell)
