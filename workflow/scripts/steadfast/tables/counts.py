"""``counts.csv``: how often each system refused by each judge; and the same table from somebody else's study."""

from pathlib import Path

import pandas as pd

from steadfast.errors import DataError
from steadfast.files import require_columns
from steadfast.tables.ordering import LABELS, sort_by_appearance
from steadfast.verdicts import NON_REFUSAL, REFUSAL, UNSCORED

KEYS = ["model", "variant", "judge", "label"]
COUNTS = ["refused", "not_refused", "unscored", "total"]
COLUMNS = [*KEYS, *COUNTS]
REQUIRED = [*KEYS, "refused", "not_refused", "total"]


def count_verdicts(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Count the verdicts of every model, variant, judge and label.

    Args:
        verdicts: a table as ``tables.verdicts`` makes it.

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
    """Read and check a counts table from elsewhere.

    Columns ``model,variant,judge,label,refused,not_refused,total`` are required, ``unscored`` is optional (0 if
    absent), others are ignored.

    Returns:
        The columns of ``count_verdicts``, in its order of rows.

    Raises:
        DataError: the file is no CSV, lacks columns or rows, or a row is wrong; the message names the line of the
            file and the column.
    """
    text, lines = _read_text(path)
    table = pd.DataFrame({key: text[key].str.strip() for key in KEYS})
    for key in KEYS:
        _reject(table[key] == "", lines, path, key, text[key], "is empty")
    unknown = ~table["label"].isin(LABELS)
    _reject(unknown, lines, path, "label", text["label"], f"is none of {', '.join(LABELS)}")
    for column in COUNTS:
        found = text[column].str.strip() if column in text.columns else pd.Series("0", index=text.index, dtype="str")
        whole = found.str.fullmatch(r"\d{1,15}")
        _reject(~whole.astype(bool), lines, path, column, found, "is not a whole number of 0 or more")
        table[column] = found.astype("int64")
    parts = table["refused"] + table["not_refused"] + table["unscored"]
    reason = "is not the sum of refused, not_refused and unscored"
    _reject(parts != table["total"], lines, path, "total", text["total"], reason)
    described = table[KEYS].agg(" / ".join, axis=1)
    _reject(table.duplicated(KEYS), lines, path, ",".join(KEYS), described, "stands in an earlier line as well")
    return sort_by_appearance(table, KEYS)[COLUMNS]


def _read_text(path: str | Path) -> tuple[pd.DataFrame, "pd.Series[int]"]:
    """Read all cells as text, with the line of the file that each row stands in."""
    try:
        text = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig", skip_blank_lines=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the counts table {path} as CSV: {error}") from error
    text.columns = text.columns.str.strip()
    if text.columns.duplicated().any():
        raise DataError(f"{path}: column {text.columns[text.columns.duplicated()][0]!r} appears twice")
    require_columns(text, REQUIRED, path)
    text = text.fillna("")
    lines = pd.Series(range(2, len(text) + 2), index=text.index)
    filled = (text != "").any(axis=1)
    if not filled.any():
        raise DataError(f"{path}: the counts table has a header and no rows")
    return text[filled], lines[filled]


def _reject(
    wrong: "pd.Series[bool]", lines: "pd.Series[int]", path: str | Path, column: str, found: "pd.Series[str]", why: str
) -> None:
    if wrong.any():
        line, value = lines[wrong].iloc[0], found[wrong].iloc[0]
        raise DataError(f"{path}, line {line}, column {column}: {value!r} {why}")
