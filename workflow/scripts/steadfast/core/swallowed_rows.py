"""Detection of rows merged by a quote, which opens a text and is closed only rows later.

Spreadsheets and pandas double the quotes of a text that they write, so a text of theirs never begins with a single
one. Programs that join cells by hand do not: `1<tab>"open quote` is then a whole row, and the next quote at the end of
a cell, rows later, closes it. A reader makes one record of all of them, without an error.

A correctly quoted text of several lines looks the same if each line has the number of separators of a row. So these
lines are parsed as rows, and their cells are compared with those of other records: a line of prose has spaces after its
commas, and does not begin with the next number of the first column.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import Path

from steadfast.core.errors import DataError

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_INTEGER = re.compile(r"[+-]?\d{1,15}")
# an identifier, a number or a label, and not a text
_NAME = re.compile(r"[\w.:/@#%+-]{1,64}")
_LABEL = re.compile(r"[^\W\d]+([ _/&-]+[^\W\d]+){0,3}")
# commas within a number, and within brackets
_COMMAS = re.compile(r"\d,\d{3}(?!\d)|\([^()\n]*,[^()\n]*\)")
# minimum number of cells to conclude that a column holds only labels
_FEW = 3
# records before and after, whose cells are compared
_COMPARED = 50


@dataclass(frozen=True)
class Parsed:
    """A record as the reader returned it.

    Attributes:
        number: its row, as a spreadsheet counts.
        line: the first line of the file that it is on.
        last: the last one.
        cells: its cells.
    """

    number: int
    line: int
    last: int
    cells: Sequence[str]

    @property
    def filled(self) -> bool:
        """Whether it is not empty."""
        return any(cell.strip() for cell in self.cells)


@dataclass(frozen=True)
class _Lines:
    """The lines of a record, parsed as if its quotes were part of the text.

    Attributes:
        rows: the cells of each line.
        intact: row and column of the cells that hold no line break: they are cells in any case.
        quoted: columns in which a text in quotes begins or ends; they hold whatever texts hold.
        prose: number of separators within quotes that look like prose: followed by a space, in a number or in brackets.
    """

    rows: list[list[str]]
    intact: set[tuple[int, int]]
    quoted: set[int]
    prose: int


def reject_swallowed_rows(path: str | Path, records: Sequence[Parsed], columns: int, separator: str) -> None:
    """Check that no quote has merged several rows.

    Args:
        path: the file, for the message.
        records: its records.
        columns: cells of the header.
        separator: what separates cells.

    Raises:
        DataError: a quote probably has; the message names the lines.
    """
    for index, record in enumerate(records if columns > 1 else ()):
        if not any(separator in cell and _LINE_BREAK.search(cell) for cell in record.cells):
            continue
        lines = _read_as_rows(record.cells, separator)
        before, after = records[max(index - _COMPARED, 0) : index], records[index + 1 : index + 1 + _COMPARED]
        if all(len(row) == columns for row in lines.rows) and _are_rows(lines, before, after):
            raise DataError(
                f"{path}, line {record.line}: a text in quotes goes on to line {record.last}, over what look like "
                f"{len(lines.rows)} rows; if its first quote is a part of the text, quote the whole cell and double "
                'that quote ("""so"), and if it is one text, put it into a .jsonl file, where it cannot be mistaken'
            )


def _read_as_rows(cells: Sequence[str], separator: str) -> _Lines:
    rows: list[list[str]] = [[]]
    intact, quoted, prose = set(), set(), 0
    for cell in cells:
        first, *others = _LINE_BREAK.split(cell)
        if not others:
            intact.add((len(rows) - 1, len(rows[-1])))
            rows[-1].append(cell)
            continue
        quoted.add(len(rows[-1]))
        rows[-1].extend(first.split(separator))
        rows.extend(line.split(separator) for line in others)
        quoted.add(len(rows[-1]) - 1)
        prose += len(re.findall(rf"{re.escape(separator)}[ \u00a0]", cell))
        prose += len(_COMMAS.findall(cell)) if separator == "," else 0
    return _Lines(rows, intact, quoted, prose)


def _are_rows(lines: _Lines, before: Sequence[Parsed], after: Sequence[Parsed]) -> bool:
    """Whether the cells of the lines look like those of other records; True if undecidable."""
    if not lines.rows[-1][-1].strip():
        return False  # the closing quote follows a separator: prose, such as "Yours,"
    votes = [-1] * lines.prose
    for column in set(range(len(lines.rows[0]))) - lines.quoted:
        votes += _votes(lines, column, _cells(before, column), _cells(after, column))
    return sum(votes) > 0 or not votes


def _votes(lines: _Lines, column: int, before: Sequence[str], after: Sequence[str]) -> list[int]:
    """For each cell of a column whether it is like the others: 1, or 2 for a number of theirs, and -1 if it is not."""
    here = [row[column].strip() for row in lines.rows]
    found = [text for row, text in enumerate(here) if (row, column) not in lines.intact]
    known = [*before, *(text for row, text in enumerate(here) if (row, column) in lines.intact), *after]
    filled = [text for text in known if text]
    if filled and all(map(_INTEGER.fullmatch, filled)):
        first, last = int((0, column) in lines.intact), int((len(here) - 1, column) in lines.intact)
        goes_on = _continues_the_numbers([*before, *here[:first]], found, [*here[len(here) - last :], *after])
        return [2 if goes_on else -1 for _ in found]
    empty = -1 if filled and len(filled) == len(known) else 0
    votes = (_vote(text, filled) if text else empty for text in found)
    return [vote for vote in votes if vote]


def _vote(text: str, known: Sequence[str]) -> int:
    """Whether a cell is like others: 1, or -1 if it is not; 0 if that is unknown."""
    if not known or not all(map(_NAME.fullmatch, known)):
        return 0
    if all(map(_LABEL.fullmatch, known)):
        return 1 if text in known else 0 if _LABEL.fullmatch(text) or len(known) < _FEW else -1
    alike = _shape(text) in set(map(_shape, known)) or {len(text)} == set(map(len, known))
    return 1 if _NAME.fullmatch(text) and alike else -1


def _shape(name: str) -> str:
    """The shape of a name, with runs of letters and of digits collapsed."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", name))


def _continues_the_numbers(before: Sequence[str], found: Sequence[str], after: Sequence[str]) -> bool:
    """Whether whole numbers go on as those before and after them do: by one, upwards, or without repeats."""
    if not all(map(_INTEGER.fullmatch, found)):
        return False
    first, last = ([int(text) for text in texts if text] for texts in (before, after))
    whole = [*first, *map(int, found), *last]
    known, steps = [*_steps(first), *_steps(last)], _steps(whole)
    if known and all(step == 1 for step in known):
        return all(step == 1 for step in steps)
    if all(step > 0 for step in known):
        return all(step > 0 for step in steps)
    distinct = len({*first, *last}) == len(first) + len(last)
    return not distinct or len(set(whole)) == len(whole)


def _steps(numbers: Sequence[int]) -> list[int]:
    return [second - first for first, second in pairwise(numbers)]


def _cells(records: Sequence[Parsed], column: int) -> list[str]:
    """A column's cells in other records, without those in and behind a text of several lines."""
    cells = []
    for record in records:
        sure = list(takewhile(lambda cell: not _LINE_BREAK.search(cell), record.cells))
        if column < len(sure) or (len(sure) == len(record.cells) and record.filled):
            cells.append(sure[column].strip() if column < len(sure) else "")
    return cells
