"""Conditions that select the rows of a source."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steadfast.core.errors import DataError, suggest
from steadfast.prompts.sources.reading.formats import SourceRow

Value = str | int | float | bool | None
NOT = "not"
SHOWN_VALUES = 20
_WORDS_OF_TRUTH = {True: ("true", "yes", "on"), False: ("false", "no", "off")}


@dataclass(frozen=True)
class Condition:
    """A condition on a cell of a row.

    Attributes:
        column: the column.
        values: the accepted values; ``*`` in a text matches any characters, None an empty cell.
        negated: whether rows with one of these values are excluded.
    """

    column: str
    values: tuple[Value, ...]
    negated: bool

    def holds(self, row: SourceRow) -> bool:
        """Whether a row satisfies the condition."""
        return self.negated != any(_matches(row.cells.get(self.column), value) for value in self.values)


def read_conditions(where: Mapping[str, Any]) -> list[Condition]:
    """Conditions of a source's ``where``: by column a value, a list of values, or ``{not: ...}`` with one of these."""
    return [_condition(column, wanted) for column, wanted in where.items()]


def chosen(rows: Sequence[SourceRow], conditions: Iterable[Condition], source: str) -> list[SourceRow]:
    """The rows that fulfill all conditions.

    Raises:
        DataError: no row has one of the values, or none meets all conditions; the message lists the column's values.
    """
    kept = list(rows)
    for condition in conditions:
        for value in condition.values:
            if not any(_matches(row.cells.get(condition.column), value) for row in rows):
                found = _found(rows, condition, value)
                raise DataError(f"where: no row of {source} has {condition.column} = {_shown(value)}{found}")
        kept = [row for row in kept if condition.holds(row)]
    if rows and not kept:
        raise DataError(f"where: no row of {source} fulfills all conditions; each alone is fulfilled by some")
    return kept


def is_missing(cell: Any) -> bool:
    """Whether a cell is empty: None, NaN, or only white space."""
    return (
        cell is None or (isinstance(cell, float) and math.isnan(cell)) or (isinstance(cell, str) and not cell.strip())
    )


def _condition(column: str, wanted: Any) -> Condition:
    negated = isinstance(wanted, Mapping)
    values = wanted[NOT] if isinstance(wanted, Mapping) else wanted
    return Condition(column, tuple(values) if isinstance(values, list) else (values,), negated)


def _matches(cell: Any, value: Value) -> bool:
    if isinstance(cell, list):
        return any(_matches(item, value) for item in cell)
    if value is None or is_missing(cell):
        return value is None and is_missing(cell)
    if isinstance(value, bool):
        return cell is value or str(cell).strip().casefold() in _WORDS_OF_TRUTH[value]
    if isinstance(value, str):
        pattern = ".*".join(map(re.escape, value.strip().split("*")))
        return any(re.fullmatch(pattern, text, re.DOTALL) for text in _spellings(cell))
    return not isinstance(cell, bool) and _number(cell) == value


def _spellings(cell: Any) -> list[str]:
    """Spellings of a cell as text: pandas writes integers as 1.0 beside missing values, and booleans capitalized."""
    text = str(cell).strip()
    if isinstance(cell, bool):
        return [text, text.lower()]
    return [text, str(int(cell))] if isinstance(cell, float) and cell.is_integer() else [text]


def _number(cell: Any) -> float | int | None:
    if isinstance(cell, int | float):
        return cell
    try:
        return float(str(cell))
    except ValueError:
        return None


def _shown(value: Value) -> str:
    return "null (an empty cell)" if value is None else repr(value)


def _found(rows: Iterable[SourceRow], condition: Condition, value: Value) -> str:
    cells = (row.cells.get(condition.column) for row in rows)
    texts = list(dict.fromkeys("(empty)" if is_missing(cell) else str(cell)[:60] for cell in cells))
    more = f", and {len(texts) - SHOWN_VALUES} more" if len(texts) > SHOWN_VALUES else ""
    return suggest(str(value), texts[:SHOWN_VALUES]) + more
