"""Rows of the supported file formats of prompts."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from steadfast.core.delimited import Delimited, read_delimited
from steadfast.core.errors import DataError, suggest
from steadfast.core.text_files import PACKED, read_any_text, suffix_of

Result = TypeVar("Result")
TEXT_COLUMN = "text"
_WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")


@dataclass(frozen=True)
class SourceRow:
    """One row of a file.

    Attributes:
        place: its location, counted as in an editor or a spreadsheet.
        cells: its cells by column.
    """

    place: str
    cells: Mapping[str, Any]


def column_names(path: str | Path) -> list[str]:
    """Columns of a file, in its own order.

    Raises:
        DataError: its suffix is unknown, or it is not what its suffix says.
    """
    return _guarded(path, lambda file: _HEADERS[suffix_of(file)](file))


def reject_duplicates(path: str | Path, columns: Iterable[str]) -> None:
    """Check that a file has no column twice of those that are needed.

    Raises:
        DataError: it has.
    """
    if is_delimited(path):
        _delimited(Path(path)).reject_duplicates(list(columns))


def is_delimited(path: str | Path) -> bool:
    """Whether a file is one of records with a separator, as spreadsheets write it."""
    return suffix_of(path) in DELIMITED


def blank_rows(path: str | Path) -> int:
    """Number of empty rows of a file, as written by spreadsheets; they are skipped.

    Raises:
        DataError: it cannot be read.
    """
    if not is_delimited(path):
        return 0
    table = _delimited(Path(path))
    return len(table.records) - len(table.filled())


def read_rows(path: str | Path, columns: Iterable[str]) -> list[SourceRow]:
    """Rows of a file, without empty rows of a spreadsheet; a row may lack a column.

    Args:
        path: a file with one of the ``SUFFIXES``, packed if ``.gz`` follows.
        columns: the columns that are needed; others may be left out of the rows.

    Raises:
        DataError: its suffix is unknown, it is not what its suffix says, or it lacks a column or has it twice.
    """
    wanted = list(dict.fromkeys(columns))
    found = column_names(path)
    for column in wanted:
        if column not in found:
            raise DataError(f"{path}: no column {column!r}{suggest(column, found)}")
    return _guarded(path, lambda file: _READERS[suffix_of(file)](file, wanted))


def _guarded(path: str | Path, read: Callable[[Path], Result]) -> Result:
    file = Path(path)
    suffix = suffix_of(file)
    if suffix in _WORKBOOKS:
        raise DataError(f"{path} is a workbook; save its sheet as `CSV UTF-8` in the spreadsheet and name that file")
    if suffix not in SUFFIXES:
        raise DataError(
            f"{path}: unknown suffix {suffix!r}; allowed: {', '.join(SUFFIXES)}, and {PACKED} behind all but .parquet"
        )
    try:
        return read(file)
    except DataError:
        raise
    except (ValueError, OSError, RecursionError) as error:  # ValueError: also bad JSON and bad Parquet
        raise DataError(f"{path} cannot be read as {suffix}: {error}") from error


def _parsed_once(read: Callable[[Path], Result], file: Path) -> Result:
    """The parsed file, cached since the checks before a run read it several times."""
    return cast("Result", _remembered(read, str(file), hashlib.sha256(file.read_bytes()).digest()))


@lru_cache(maxsize=4)
def _remembered(read: Callable[[Path], Any], path: str, _digest: bytes) -> Any:
    return read(Path(path))


def _delimited(file: Path) -> Delimited:
    return _parsed_once(_read_delimited, file)


def _read_delimited(file: Path) -> Delimited:
    separator = _SEPARATORS.get(suffix_of(file))
    table = read_delimited(file, separator=separator)
    # a .tsv that has no tab is separated by something else
    return read_delimited(file) if separator and len(table.header) == 1 else table


def _delimited_header(file: Path) -> list[str]:
    return [name for name in _delimited(file).header if name]


def _delimited_rows(file: Path, columns: Sequence[str]) -> list[SourceRow]:
    table = _delimited(file)
    table.require(columns)
    return [SourceRow(f"row {record.number}", record.cells) for record in table.filled()]


def _txt_rows(file: Path, columns: Sequence[str]) -> list[SourceRow]:
    lines = read_any_text(file).replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    return [SourceRow(f"line {number}", {TEXT_COLUMN: line}) for number, line in enumerate(lines, start=1)]


def _json_lines(file: Path, columns: Sequence[str] = ()) -> list[SourceRow]:
    return _parsed_once(_read_json_lines, file)


def _read_json_lines(file: Path) -> list[SourceRow]:
    lines = enumerate(read_any_text(file).split("\n"), start=1)
    return [_json_row(file, f"line {number}", _parsed(file, line, number)) for number, line in lines if line.strip()]


def _parsed(file: Path, line: str, number: int) -> Any:
    try:
        return json.loads(line, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise DataError(f"{file}, line {number}: not valid JSON: {error.msg} (character {error.pos + 1})") from error


def _json_rows(file: Path, columns: Sequence[str] = ()) -> list[SourceRow]:
    return _parsed_once(_read_json, file)


def _read_json(file: Path) -> list[SourceRow]:
    text = read_any_text(file)
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        if not _begins_with_a_json_line(text):
            raise
        try:  # many data sets use the suffix .json for JSON lines
            return _read_json_lines(file)
        except DataError:
            raise error from None
    if isinstance(value, list):
        return [_json_row(file, f"item {number}", item) for number, item in enumerate(value, start=1)]
    if isinstance(value, dict) and value:
        return _columns_of_json(file, value)
    raise DataError(f"{file}: expected a list of texts, a list of objects, or an object of lists of equal length")


def _columns_of_json(file: Path, value: Mapping[str, Any]) -> list[SourceRow]:
    """Rows of an object of columns: lists, or objects by row, as pandas writes them."""
    if set(value) == {"columns", "index", "data"}:
        rows = [dict(zip(value["columns"], cells, strict=True)) for cells in value["data"]]
        return [SourceRow(f"item {number}", row) for number, row in enumerate(rows, start=1)]
    keys = {
        tuple(column) if isinstance(column, dict) else (len(column),) for column in value.values() if _holds(column)
    }
    if len(keys) != 1 or not all(map(_holds, value.values())):
        raise DataError(f"{file}: expected a list of texts, a list of objects, or an object of lists of equal length")
    columns = [list(column.values()) if isinstance(column, dict) else column for column in value.values()]
    rows = [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]
    return [SourceRow(f"item {number}", row) for number, row in enumerate(rows, start=1)]


def _holds(column: Any) -> bool:
    return isinstance(column, list | dict)


def _begins_with_a_json_line(text: str) -> bool:
    try:
        json.loads(text.strip().partition("\n")[0])
    except ValueError:
        return False
    return True


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object without duplicate keys, of which Python's parser would keep the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise DataError(f"the key {double!r} is in one object more than once; rename one of them")
    return found


def _json_row(file: Path, place: str, value: Any) -> SourceRow:
    if isinstance(value, str):
        return SourceRow(place, {TEXT_COLUMN: value})
    if isinstance(value, dict):
        return SourceRow(place, value)
    raise DataError(f"{file}, {place}: expected a text or an object, found {type(value).__name__}")


def _parquet_header(file: Path) -> list[str]:
    from pyarrow import parquet

    return list(parquet.read_schema(file).names)


def _parquet_rows(file: Path, columns: Sequence[str]) -> list[SourceRow]:
    from pyarrow import parquet

    rows = parquet.read_table(file, columns=list(columns)).to_pylist()
    return [SourceRow(f"row {number}", row) for number, row in enumerate(rows, start=1)]


def _keys(rows: Iterable[SourceRow]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row.cells))


DELIMITED = (".csv", ".tsv")
_SEPARATORS = {".tsv": "\t"}
_READERS: dict[str, Callable[[Path, Sequence[str]], list[SourceRow]]] = {
    ".csv": _delimited_rows,
    ".json": _json_rows,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet_rows,
    ".tsv": _delimited_rows,
    ".txt": _txt_rows,
}
_HEADERS: dict[str, Callable[[Path], list[str]]] = {
    ".csv": _delimited_header,
    ".json": lambda file: _keys(_json_rows(file)),
    ".jsonl": lambda file: _keys(_json_lines(file)),
    ".ndjson": lambda file: _keys(_json_lines(file)),
    ".parquet": _parquet_header,
    ".tsv": _delimited_header,
    ".txt": lambda file: [TEXT_COLUMN],
}
SUFFIXES = tuple(_READERS)
