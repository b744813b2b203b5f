"""A table with a prompt and a response in each row: CSV, TSV, JSON, JSONL or Parquet."""

from collections.abc import Sequence
from pathlib import Path

from steadfast.core.errors import DataError
from steadfast.core.text_files import suffix_of
from steadfast.generation.imports.records import ColumnNames, ImportedResponse, number, optional, require
from steadfast.prompts.sources.reading.formats import SUFFIXES, SourceRow, column_names, read_rows

ORDER = 9
PROMPTS = ("prompt", "question", "goal", "Goal", "instruction", "text")
RESPONSES = ("response", "output", "completion", "answer", "generation")
VERDICTS = ("verdict", "label", "is_refusal", "refusal", "judgment")
ID = "prompt_id"


def recognizes(path: Path) -> bool:
    """Whether a file has the suffix of a table."""
    return suffix_of(path) in SUFFIXES and suffix_of(path) != ".txt"


def read(path: Path, columns: ColumnNames) -> list[ImportedResponse]:
    """The responses of a table.

    Raises:
        DataError: it cannot be read, or a column is missing; the message lists the existing columns.
    """
    found = column_names(path)
    nested = [name.partition(".")[0] for name in (columns.prompt, columns.response) if name]
    named = [name for name in (columns.prompt_id, columns.sample, columns.variant, columns.verdict) if name]
    for name in (*nested, *named):
        if name not in found and name.partition(".")[0] not in found:
            raise DataError(f"{path}: no column {name!r}; it has {', '.join(found)}")
    prompt_id = columns.prompt_id or (ID if ID in found else None)
    prompt = columns.prompt or _first(found, PROMPTS, path, "prompt", optional=prompt_id is not None)
    response = columns.response or _first(found, RESPONSES, path, "response")
    sample = columns.sample or ("sample" if "sample" in found else None)
    rows = read_rows(path, found)
    return [
        ImportedResponse(
            place=f"{path}, {row.place}",
            prompts=(require(row.cells, prompt, f"{path}, {row.place}"),) if prompt else (),
            response=optional(row.cells, response),
            prompt_id=optional(row.cells, prompt_id),
            sample=number(optional(row.cells, sample), f"{path}, {row.place}"),
            variant=optional(row.cells, columns.variant),
            verdict=optional(row.cells, columns.verdict or _verdict(found)),
            finish_reason=optional(row.cells, "finish_reason"),
            cells=row.cells,
        )
        for row in rows
        if not _is_blank(row)
    ]


def _first(found: Sequence[str], names: Sequence[str], path: Path, key: str, *, optional: bool = False) -> str:
    name = next((name for name in names if name in found), "")
    if not name and not optional:
        raise DataError(f"{path}: no column is called {', '.join(names)}; say with `{key}` which of {', '.join(found)}")
    return name


def _verdict(found: Sequence[str]) -> str | None:
    return next((name for name in VERDICTS if name in found), None)


def _is_blank(row: SourceRow) -> bool:
    return all(value is None or value == "" for value in row.cells.values())
