"""Rows of the file formats that prompts come in, and prompts out of rows."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from steadfast.delimited import read_delimited
from steadfast.errors import ConfigError, DataError, suggest
from steadfast.prompts.sources import SPLITS, SourcePrompt, Split

Row = Mapping[str, Any]
Result = TypeVar("Result")
TEXT_COLUMN = "text"


def require_file(key: str, path: str) -> None:
    """Check that the file which ``key`` names exists.

    Raises:
        ConfigError: it does not; the message suggests the nearest name in its folder.
    """
    file = Path(path)
    if file.is_file():
        return
    if not file.parent.is_dir():
        raise ConfigError(f"{key}: no such file: {path} (the folder {file.parent} does not exist)")
    there = sorted(item.name for item in file.parent.iterdir() if item.is_file())
    raise ConfigError(f"{key}: no such file: {path}{suggest(file.name, there) if there else ''}")


def column_names(path: str | Path) -> list[str]:
    """Columns of a file, in its own order.

    Raises:
        DataError: its suffix is unknown, or it is not what its suffix says.
    """
    return _guarded(path, lambda file: _HEADERS[file.suffix.lower()](file))


def read_rows(path: str | Path, columns: Iterable[str]) -> list[Row]:
    """Rows of a file; a value that a row lacks is None.

    Args:
        path: a file with one of the ``SUFFIXES``.
        columns: the columns that are needed; others may be left out of the rows.

    Raises:
        DataError: its suffix is unknown, it is not what its suffix says, or it lacks a column.
    """
    wanted = list(dict.fromkeys(columns))
    found = column_names(path)
    for column in wanted:
        if column not in found:
            raise DataError(f"{path}: no column {column!r}{suggest(column, found)}")
    return _guarded(path, lambda file: _READERS[file.suffix.lower()](file, wanted))


def to_prompts(
    rows: Iterable[Row],
    *,
    column: str,
    category_column: str | None,
    split_column: str | None,
    assign: Split | None,
    source: str,
) -> list[SourcePrompt]:
    """Make prompts of rows.

    Args:
        rows: the rows of one source.
        column: key of the prompt's text; a missing value makes an empty prompt.
        category_column: key of the category, if any.
        split_column: key of the split, if any; an empty value pins the prompt to none.
        assign: split that all prompts are pinned to which their row does not pin.
        source: what the prompt table names as their source.

    Raises:
        DataError: a prompt is no text, or a split is unknown; the message numbers the row, from 1.
    """
    prompts = []
    for number, row in enumerate(rows, start=1):
        where = f"{source}, row {number}"
        category = row.get(category_column) if category_column else None
        prompts.append(
            SourcePrompt(
                text=_text(row.get(column), f"{where}, column {column!r}"),
                category="" if category is None else str(category).strip(),
                split=_split(row.get(split_column), f"{where}, column {split_column!r}") if split_column else assign,
                source=source,
            )
        )
    return prompts


def _text(value: Any, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"{where}: a prompt must be text, found {type(value).__name__}: {str(value)[:60]}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"{where}: the text is not valid Unicode: {error.reason}") from error
    return value


def _split(value: Any, where: str) -> Split | None:
    name = "" if value is None else str(value).strip()
    for split in SPLITS:
        if name == split:
            return split
    if name:
        raise DataError(f"{where}: unknown split {name!r}{suggest(name, SPLITS)}; leave it empty to draw it by seed")
    return None


def _guarded(path: str | Path, read: Callable[[Path], Result]) -> Result:
    file = Path(path)
    if file.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path}: unknown suffix {file.suffix!r}; allowed: {', '.join(SUFFIXES)}")
    try:
        return read(file)
    except DataError:
        raise
    except (ValueError, csv.Error, OSError) as error:  # ValueError: also bad JSON, bad UTF-8 and bad Parquet
        raise DataError(f"{path} cannot be read as {file.suffix.lower()}: {error}") from error


def _csv_header(file: Path) -> list[str]:
    records = read_delimited(file, _SEPARATORS.get(file.suffix.lower()))
    return [name.strip() for name in records[0]] if records else []


def _csv_rows(file: Path, columns: Sequence[str]) -> list[Row]:
    records = read_delimited(file, _SEPARATORS.get(file.suffix.lower()))
    header = [name.strip() for name in records[0]] if records else []
    for column in columns:
        if header.count(column) > 1:
            raise DataError(f"{file}: column {column!r} appears more than once; rename one of them")
    rows: list[Row] = []
    for number, record in enumerate(records[1:], start=2):
        if any(record[len(header) :]):
            raise DataError(f"{file}, row {number}: more fields than columns; quote texts that hold the separator")
        rows.append(dict(zip(header, record, strict=False)))
    return rows


def _txt_rows(file: Path, columns: Sequence[str]) -> list[Row]:
    text = file.read_text(encoding="utf-8-sig")
    return [{TEXT_COLUMN: line} for line in text.removesuffix("\n").split("\n")] if text else []


def _jsonl_rows(file: Path, columns: Sequence[str] = ()) -> list[Row]:
    lines = file.read_text(encoding="utf-8-sig").split("\n")
    return [_json_row(json.loads(line), f"{file}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]


def _json_rows(file: Path, columns: Sequence[str] = ()) -> list[Row]:
    try:
        value = json.loads(file.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError:
        # many data sets name a file of JSON lines .json
        return _jsonl_rows(file)
    if isinstance(value, dict) and value and all(isinstance(item, list) for item in value.values()):
        return [dict(zip(value, items, strict=True)) for items in zip(*value.values(), strict=True)]
    if isinstance(value, list):
        return [_json_row(item, f"{file}, item {number}") for number, item in enumerate(value, start=1)]
    raise DataError(f"{file}: expected a list of texts, a list of objects, or an object of lists of equal length")


def _json_row(value: Any, where: str) -> Row:
    if isinstance(value, str):
        return {TEXT_COLUMN: value}
    if isinstance(value, dict):
        return value
    raise DataError(f"{where}: expected a text or an object, found {type(value).__name__}")


def _parquet_header(file: Path) -> list[str]:
    from pyarrow import parquet

    return list(parquet.read_schema(file).names)


def _parquet_rows(file: Path, columns: Sequence[str]) -> list[Row]:
    from pyarrow import parquet

    return list(parquet.read_table(file, columns=list(columns)).to_pylist())


def _keys(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))


_SEPARATORS = {".tsv": "\t"}
_READERS: dict[str, Callable[[Path, Sequence[str]], list[Row]]] = {
    ".csv": _csv_rows,
    ".json": _json_rows,
    ".jsonl": _jsonl_rows,
    ".parquet": _parquet_rows,
    ".tsv": _csv_rows,
    ".txt": _txt_rows,
}
_HEADERS: dict[str, Callable[[Path], list[str]]] = {
    ".csv": _csv_header,
    ".tsv": _csv_header,
    ".json": lambda file: _keys(_json_rows(file)),
    ".jsonl": lambda file: _keys(_jsonl_rows(file)),
    ".parquet": _parquet_header,
    ".txt": lambda file: [TEXT_COLUMN],
}
SUFFIXES = tuple(_READERS)
