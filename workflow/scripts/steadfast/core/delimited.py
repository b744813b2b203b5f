"""CSV files as spreadsheets, pandas and other programs write them: one reader for prompts, annotations and counts."""

import csv
import io
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from steadfast.core.errors import DataError, suggest
from steadfast.core.swallowed_rows import Parsed, reject_swallowed_rows
from steadfast.core.text_files import read_any_text

SEPARATORS = ",;\t|"
_SEPARATOR_LINE = re.compile(r'\A"?sep=(.)"?(\r\n|\r|\n)', re.IGNORECASE)
# limits for detecting the separator: characters, and records
_SAMPLE, _SAMPLED_RECORDS = 1 << 16, 100


@dataclass(frozen=True)
class Record:
    """One record of a file.

    Attributes:
        number: its row as a spreadsheet counts: the header is row 1, blank rows count, and a record whose cells hold
            line breaks is one row.
        cells: its cells by column; columns without a name are skipped, and missing cells are empty.
    """

    number: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Delimited:
    """A file of records.

    Attributes:
        path: the file.
        header: names of its columns, in order; names may be missing or duplicate.
        records: records below the header, without blank lines.
    """

    path: str
    header: list[str]
    records: list[Record]

    def filled(self) -> list[Record]:
        """The records that are not empty: spreadsheets also write empty rows."""
        return [record for record in self.records if any(cell.strip() for cell in record.cells.values())]

    def require(self, columns: Iterable[str]) -> None:
        """Check that columns exist exactly once.

        Raises:
            DataError: a column is missing, or a duplicate (the last one would be used).
        """
        for column in columns:
            if column not in self.header:
                raise DataError(f"{self.path}: no column {column!r}{suggest(column, filter(None, self.header))}")
            self.reject_duplicates([column])

    def reject_duplicates(self, columns: Collection[str] | None = None) -> None:
        """Check that no column appears twice; of all those with a name if ``columns`` is None.

        Raises:
            DataError: one does.
        """
        for column in dict.fromkeys(self.header) if columns is None else columns:
            if column and self.header.count(column) > 1:
                raise DataError(f"{self.path}: column {column!r} appears more than once; rename one of them")


def read_delimited(
    path: str | Path, *, separator: str | None = None, name: Callable[[str], str] = str.strip
) -> Delimited:
    """Read a file.

    Args:
        path: a file in any of the encodings of ``read_any_text``.
        separator: what separates cells; None takes the one of a line ``sep=;``, or the one of ``SEPARATORS`` that
            makes most columns of the header.
        name: converts a header cell to a column name.

    Raises:
        DataError: there is no such file, it is not text or has no header, its quoting is broken, a row has more cells
            than the header, a text appears to be split into two rows, or a quote to have merged several rows.
    """
    text = read_any_text(path)
    separator_line = _SEPARATOR_LINE.match(text)
    if separator_line:
        text, separator = text[separator_line.end() :], separator_line.group(1)
    separator = separator or _separator_of(text)
    rows = list(_parse(path, text, separator, 1 if separator_line else 0))
    if not rows:
        raise DataError(f"{path} is empty; expected a header and rows below it")
    head, *below = rows
    reject_swallowed_rows(path, below, len(head.cells), separator)
    header = [name(cell) for cell in head.cells]
    records = [_record(path, row.number, header, row.cells) for row in below]
    _reject_broken_rows(path, len(header), [(row.number, len(row.cells)) for row in below if row.filled])
    return Delimited(str(path), header, records)


def _parse(path: str | Path, text: str, separator: str, above: int) -> Iterator[Parsed]:
    """Records of a text from its header on, without blank lines; ``above`` is the number of lines before it.

    Raises:
        DataError: its quoting is broken.
    """
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    line, begun = above + 1, False
    try:
        for number, cells in enumerate(reader, start=1):
            row = Parsed(number, line, reader.line_num + above, cells)
            line, begun = row.last + 1, begun or row.filled
            if begun and cells:
                yield row
    except csv.Error as error:
        last = reader.line_num + above
        where = f"line {last}" if last <= line else f"a text in quotes from line {line} to {last}"
        raise DataError(
            f"{path}, {where}: not a readable CSV: {error}; quotes within a quoted text are doubled, not escaped"
        ) from error


def _reject_broken_rows(path: str | Path, columns: int, widths: Sequence[tuple[int, int]]) -> None:
    """Raise an error if an unquoted line break has split a row.

    Some programs omit empty cells at the end of a row, so a single short row, or equally short rows, are not errors.
    """
    if len({width for _, width in widths}) == 1 and widths[0][1] > 1:
        return
    following = [*(width for _, width in widths[1:]), 0]
    for (number, width), after in zip(widths, following, strict=False):
        if columns > 1 and width < columns and (width == 1 or width + after - 1 == columns):
            raise DataError(
                f"{path}, row {number}: fewer fields than columns ({width} of {columns}); quote texts that hold a line "
                "break, and fill up rows that are short"
            )


def _record(path: str | Path, number: int, header: Sequence[str], cells: Sequence[str]) -> Record:
    if any(cell.strip() for cell in cells[len(header) :]):
        raise DataError(
            f"{path}, row {number}: more fields than columns ({len(cells)} cells, the header has {len(header)}); quote "
            "texts that hold the separator"
        )
    padded = list(cells) + [""] * (len(header) - len(cells))
    return Record(number, {column: cell for column, cell in zip(header, padded, strict=False) if column})


def _separator_of(text: str) -> str:
    """The separator that gives the most header columns; for a single column, one that its texts do not contain."""
    widths = {separator: _widths(text[:_SAMPLE], separator) for separator in SEPARATORS}
    if all(found[0] <= 1 for found in widths.values()):
        return next((separator for separator in SEPARATORS if max(widths[separator]) <= 1), SEPARATORS[0])
    return max(SEPARATORS, key=lambda separator: (widths[separator][0], widths[separator].count(widths[separator][0])))


def _widths(text: str, separator: str) -> list[int]:
    """Cells of the header and of the first records below it."""
    widths: list[int] = []
    for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        if any(cell.strip() for cell in cells):
            widths.append(len(cells))
        if len(widths) > _SAMPLED_RECORDS:
            break
    return widths or [0]
