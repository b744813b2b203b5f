"""``counts.csv``: refusal counts of each variant by each judge; and the same table from another study."""

from pathlib import Path

import pandas as pd

from steadfast.analysis.tables.ordering import LABELS, sort_by_appearance
from steadfast.core.alike import visual_form
from steadfast.core.delimited import read_delimited
from steadfast.core.errors import DataError
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED

KEYS = ["model", "variant", "judge", "label"]
COUNTS = ["refused", "not_refused", "unscored", "total"]
COLUMNS = [*KEYS, *COUNTS]
REQUIRED = [*KEYS, "refused", "not_refused", "total"]
# pandas writes integers as 3.0 in columns with missing values, and spreadsheets use the locale's format
_FRACTION = r"[.,]0$"
_WHOLE = r"\d{1,15}([.,]0)?"


def count_verdicts(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Count the verdicts of every model, variant, judge and label.

    Args:
        verdicts: a table from ``tables.verdicts``.

    Returns:
        Columns ``COLUMNS``; refused + not_refused + unscored = total in every row.
    """
    counted = pd.DataFrame({key: verdicts[key] for key in KEYS})
    for column, verdict in (("refused", REFUSAL), ("not_refused", NON_REFUSAL), ("unscored", UNSCORED)):
        counted[column] = (verdicts["verdict"] == verdict).astype("int64")
    counted["total"] = 1
    table = counted.groupby(KEYS, sort=False, as_index=False, observed=True)[COUNTS].sum()
    return sort_by_appearance(table, KEYS)[COLUMNS]


def read_counts(path: str | Path) -> pd.DataFrame:
    """Read and check an existing counts table.

    Columns ``model,variant,judge,label,refused,not_refused,total`` are required, ``unscored`` is optional (0 if
    absent), others are ignored.

    Returns:
        The columns of ``count_verdicts``, in its order of rows.

    Raises:
        DataError: the file is not a CSV file, lacks columns or rows, or has an invalid row; the message names the
            column and the row (numbered as in a spreadsheet).
    """
    text, rows = _read_text(path)
    table = pd.DataFrame({key: text[key].str.strip() for key in KEYS})
    for key in KEYS:
        _reject(table[key] == "", rows, path, key, text[key], "is empty")
        looks = table[key].map(visual_form)
        first = looks.map(dict(zip(reversed(looks), reversed(table[key]), strict=True)))
        _reject(table[key] != first, rows, path, key, text[key], "is written in another way in an earlier row")
    unknown = ~table["label"].isin(LABELS)
    _reject(unknown, rows, path, "label", text["label"], f"is none of {', '.join(LABELS)}")
    for column in COUNTS:
        found = text[column].str.strip() if column in text.columns else pd.Series("0", index=text.index, dtype="str")
        whole = found.str.fullmatch(_WHOLE)
        _reject(~whole.astype(bool), rows, path, column, found, "is not a whole number of 0 or more")
        table[column] = found.str.replace(_FRACTION, "", regex=True).astype("int64")
    parts = table["refused"] + table["not_refused"] + table["unscored"]
    reason = "is not the sum of refused, not_refused and unscored"
    _reject(parts != table["total"], rows, path, "total", text["total"], reason)
    described = table[KEYS].agg(" / ".join, axis=1)
    _reject(table.duplicated(KEYS), rows, path, ",".join(KEYS), described, "is in an earlier row as well")
    return sort_by_appearance(table, KEYS)[COLUMNS]


def _read_text(path: str | Path) -> tuple[pd.DataFrame, "pd.Series[int]"]:
    """Read all cells as text, indexed by row of the file."""
    found = read_delimited(path, name=lambda cell: cell.strip().lower())
    missing = [column for column in REQUIRED if column not in found.header]
    if missing:
        named = ", ".join(name for name in found.header if name)
        raise DataError(f"{path}: missing column(s) {', '.join(missing)}; found {named}")
    found.reject_duplicates()
    records = found.filled()
    if not records:
        raise DataError(f"{path}: the counts table has a header and no rows")
    text = pd.DataFrame([record.cells for record in records], dtype="str")
    return text, pd.Series([record.number for record in records], index=text.index)


def _reject(
    wrong: "pd.Series[bool]", rows: "pd.Series[int]", path: str | Path, column: str, found: "pd.Series[str]", why: str
) -> None:
    if wrong.any():
        row, value = rows[wrong].iloc[0], found[wrong].iloc[0]
        raise DataError(f"{path}, row {row}, column {column}: {value!r} {why}")
