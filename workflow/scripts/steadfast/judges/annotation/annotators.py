"""Annotation files as rows, and the judges of their annotators.

Without pandas, since the workflow needs the names of the human judges before it plans its jobs.
"""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from steadfast.core.delimited import Record, read_delimited

MAJORITY_JUDGE = "human"
JUDGE_PREFIX = "human-"
MAX_SLUG = 48
NO_PARTS: Mapping[str, Collection[str]] = MappingProxyType({})

# Starts of cells that a spreadsheet would run as a formula, or of guarded cells; the page uses the same rule.
_NEEDS_GUARD = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n']")


@dataclass(frozen=True)
class AnnotationRow:
    """One row of an annotation file.

    Attributes:
        file: path of the file.
        number: row number as a spreadsheet counts (the header is row 1).
        values: stripped cells by column; column names are lower case with ``_`` for spaces and hyphens.
        annotator: name of the annotator: the cell in that column, or the name of the file if there is none.
    """

    file: str
    number: int
    values: dict[str, str]
    annotator: str

    @property
    def place(self) -> str:
        """File and row, for messages."""
        return f"{self.file}, row {self.number}"


def human_judges(files: Iterable[str | Path]) -> list[str]:
    """Names of the judges from annotation files: ``human`` and, with several annotators, ``human-NAME`` for each.

    The labels of a single annotator are ``human``: a majority of one would be the same judge twice.

    Returns:
        ``human`` first, then sorted names; empty if there are no files.

    Raises:
        DataError: a file is missing or is not a CSV.
    """
    names = _names(files)
    return [MAJORITY_JUDGE, *(sorted(names) if len(names) > 1 else [])] if names else []


def human_labels(files: Iterable[str | Path]) -> dict[str, str]:
    """Display label of each of these judges."""
    files = list(files)
    names = _names(files)
    if len(names) == 1:
        return {MAJORITY_JUDGE: _label(*names)}
    return {MAJORITY_JUDGE: "Human majority", **{name: _label(name) for name in sorted(names)}} if names else {}


def _names(files: Iterable[str | Path]) -> set[str]:
    return {judge_name(row.annotator) for file in files for row in read_rows(file)}


def _label(judge: str) -> str:
    return f"Annotator {judge.removeprefix(JUDGE_PREFIX)}"


def of_each_other(judge: str, other: str, parts: Mapping[str, Collection[str]] = NO_PARTS) -> bool:
    """Whether one of two judges is part of the other: the annotators' majority, or an ensemble.

    Args:
        judge: a judge.
        other: another judge.
        parts: members of every ensemble, by ensemble; ensembles with a common member also count.
    """
    names = {judge, other}
    if MAJORITY_JUDGE in names and any(name.startswith(JUDGE_PREFIX) for name in names):
        return True
    return bool({judge, *parts.get(judge, ())} & {other, *parts.get(other, ())}) and judge != other


def judge_name(annotator: str) -> str:
    """Judge of an annotator: ``human-`` and the name as a slug (``Zoë B.`` becomes ``human-zoe-b``).

    Letters that have no ASCII form are replaced by a digest of the whole name, so that two such names differ.
    """
    folded = unicodedata.normalize("NFKD", " ".join(annotator.split()).casefold())
    bare = "".join(character for character in folded if not unicodedata.combining(character))
    slug = re.sub(r"[^a-z0-9]+", "-", bare).strip("-")
    lossy = any(character.isalnum() and not character.isascii() for character in bare)
    if lossy or not slug or len(slug) > MAX_SLUG:
        digest = hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        slug = "-".join(part for part in (slug[: MAX_SLUG - 9].strip("-"), digest) if part)
    return f"{JUDGE_PREFIX}{slug}"


def read_rows(path: str | Path) -> list[AnnotationRow]:
    """Read a CSV file in any form that spreadsheets write; empty rows are skipped.

    The forms are those of ``steadfast.core.delimited``.

    Raises:
        DataError: the file is missing, is not such a CSV file, or has a duplicate column.
    """
    table = read_delimited(path, name=_column)
    table.reject_duplicates()
    exported = {"item_id", "item_set"} <= set(table.header)
    return [_row(str(path), record, exported) for record in table.filled()]


def guard(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula; `unguard` takes it away."""
    return f"'{text}" if _NEEDS_GUARD.match(text) else text


def unguard(text: str) -> str:
    """Inverse of `guard`."""
    return text[1:] if text.startswith("'") and _NEEDS_GUARD.match(text[1:]) else text


def _row(path: str, record: Record, exported: bool) -> AnnotationRow:
    values = {name: cell.strip() for name, cell in record.cells.items()}
    if exported:
        values |= {name: unguard(cell) for name, cell in record.cells.items() if name in ("annotator", "note")}
    annotator = values.get("annotator", "").strip() or Path(path).stem
    return AnnotationRow(path, record.number, values, annotator)


def _column(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())
