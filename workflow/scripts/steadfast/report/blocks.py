"""Blocks of sections: sentences, tables and charts, as the page's scripts read them.

Numbers are columns of arrays and names are stored once, so that a page of a large grid stays small.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from steadfast.analysis.tables.ordering import names_of
from steadfast.core.names import ORIGINAL

Block = dict[str, Any]
Kind = Literal["name", "text", "code", "count", "share", "points", "number", "seconds", "p", "flag"]
SIGNIFICANT = 5
MOST_COLUMNS = 8
"""Columns of a table that are side by side; the others are below a row once it is opened."""
ALL, OF_PAGE, EDITED = "*", "@page", "@edited"
"""What a column can be filtered by beside one of its names: nothing, the judge of the page, the edited variants."""


@dataclass(frozen=True)
class Column:
    """A column of a table on the page.

    Attributes:
        key: column of the data.
        title: heading above it.
        kind: how it is shown and sorted: ``name`` (can be filtered by), ``text``, ``code``, ``count``, ``share`` (of
            1, as percent), ``points`` (a difference of shares), ``number``, ``seconds``, ``p`` (a p-value), ``flag``
            (yes or no).
        interval: whether ``{key}_low`` and ``{key}_high`` are its interval.
        names: display label by value.
        low: name of the lower bound if it is another.
        high: name of the upper bound.
        help: explanation.
        detail: whether it is shown below the row, once that is opened.
    """

    key: str
    title: str
    kind: Kind = "text"
    interval: bool = False
    names: Mapping[str, str] | None = None
    low: str = ""
    high: str = ""
    help: str = ""
    detail: bool = False


def prose(*sentences: str) -> Block:
    """A paragraph."""
    return {"type": "prose", "text": " ".join(sentences)}


def table(
    slug: str,
    caption: str,
    data: pd.DataFrame,
    columns: Sequence[Column],
    *,
    source: str = "",
    fold: bool = False,
    opening: Mapping[str, str] | None = None,
    sort: str = "",
) -> Block:
    """A table that can be sorted, filtered and saved.

    Args:
        slug: its name, of the file that is saved as well.
        caption: what it shows.
        data: the rows.
        columns: what is shown of them; those after the eighth are details.
        source: the file of the results that it comes from.
        fold: whether it is closed at first.
        opening: by column, what the rows are filtered by at first: a name, ``OF_PAGE`` or ``EDITED``. A name that no
            row has is left out.
        sort: column that the rows are sorted by at first, with ``-`` before it for the largest number first; by
            default they keep their order.
    """
    beside = [column.key for column in columns if not column.detail][:MOST_COLUMNS]
    return {
        "type": "table",
        "id": slug,
        "caption": caption,
        "source": source,
        "fold": fold,
        "rows": len(data),
        "opening": {key: value for key, value in (opening or {}).items() if _can_open(value, data[key])},
        "sort": sort,
        "columns": [{**_encode(data, column), "detail": column.key not in beside} for column in columns],
    }


def _can_open(value: str, names: "pd.Series[Any]") -> bool:
    """Whether a filter leaves some rows and not all of them out."""
    known = set(names.astype(str))
    return value == OF_PAGE or (value == EDITED and ORIGINAL in known) or value in known


def dots(
    slug: str,
    title: str,
    *,
    rows: Sequence[str],
    series: Sequence[str],
    panels: Sequence[str],
    values: Mapping[str, Any],
    options: Mapping[str, Mapping[str, str]],
    unit: str,
    note: str,
    axis: str = "",
    n: str | Mapping[str, str] = "",
    domain: tuple[float, float] | None = None,
    most: float | None = None,
    pdf: str = "",
) -> Block:
    """A dot per row and series with its interval, one panel beside the other.

    Args:
        slug: its name.
        title: what it shows.
        rows: labels of the rows.
        series: labels of the series, at most ten.
        panels: titles of the panels.
        values: by joined keys of the options (see `options`), arrays [panel][row][series] of value, low and high, or
            None where there is none.
        options: what can be chosen: title → key → label; the keys of all choices joined by ``|`` name the values.
        unit: ``share``, ``points`` or ``number``.
        note: what the dots and whiskers are.
        axis: title of the axis; by default what is chosen under *Measure*.
        n: how many what the values rest on, by joined keys of the options or for all of them.
        most: the largest value that the measure can have, where the axis is not to go beyond it.
        domain: ends of the axis; None takes those that the values need.
        pdf: name of the printed figure; ``{}`` in it represents the chosen keys.
    """
    return {
        "type": "dots",
        "id": slug,
        "title": title,
        "rows": list(rows),
        "series": list(series),
        "panels": list(panels),
        "values": values,
        "options": _options(options),
        "unit": unit,
        "domain": list(domain) if domain else None,
        "most": most,
        "note": note,
        "axis": axis,
        "n": _by_choice(n),
        "pdf": pdf,
    }


def lines(
    slug: str,
    title: str,
    *,
    panels: Sequence[str],
    series: Sequence[str],
    values: Mapping[str, Any],
    options: Mapping[str, Mapping[str, str]],
    across: str,
    unit: str,
    domain: tuple[float, float],
    note: str,
    axis: str = "",
    n: str | Mapping[str, str] = "",
    pdf: str = "",
) -> Block:
    """A line per series through its points, one small panel beside the other.

    Args:
        slug: its name.
        title: what it shows.
        panels: titles of the panels.
        series: labels of the series, at most ten.
        values: by joined keys of the options, points [panel][series] of place, value, low and high.
        options: as of `dots`.
        across: what the horizontal axis is.
        unit: as of `dots`, of the vertical axis.
        domain: ends of the vertical axis.
        note: what lines and whiskers are.
        axis: title of the vertical axis.
        n: as of `dots`.
        pdf: as of `dots`.
    """
    return {
        "type": "lines",
        "id": slug,
        "title": title,
        "panels": list(panels),
        "series": list(series),
        "values": values,
        "options": _options(options),
        "across": across,
        "unit": unit,
        "domain": list(domain),
        "note": note,
        "axis": axis,
        "n": _by_choice(n),
        "pdf": pdf,
    }


def cells(
    slug: str,
    title: str,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Mapping[str, Any],
    options: Mapping[str, Mapping[str, str]],
    unit: str,
    domain: tuple[float, float],
    note: str,
    axis: str = "",
    n: str | Mapping[str, str] = "",
    groups: Sequence[str] = (),
    categories: Sequence[str] = (),
    marks: Sequence[str] = (),
    pdf: str = "",
) -> Block:
    """A grid of colored cells with a value in each.

    Args:
        slug: its name.
        title: what it shows.
        rows: labels of the rows.
        columns: labels of the columns.
        values: by joined keys of the options, a mapping with ``value`` [row][column] and, if there is more to say,
            ``low``, ``high``, ``text`` and ``hatched`` of the same shape.
        options: as of `dots`.
        unit: ``share``, ``number``, or ``category`` for indices into `categories`.
        domain: values at the ends of the colors.
        note: what the numbers are.
        axis: title of the scale of colors; by default what is chosen under *Measure*.
        n: as of `dots`.
        groups: label of the group that each row belongs to.
        categories: names of categories, the darkest first; those beyond the domain have no color.
        marks: a character for each category.
        pdf: as of `dots`.
    """
    return {
        "type": "cells",
        "id": slug,
        "title": title,
        "rows": list(rows),
        "columns": list(columns),
        "groups": list(groups),
        "values": values,
        "options": _options(options),
        "unit": unit,
        "domain": list(domain),
        "categories": list(categories),
        "marks": list(marks),
        "note": note,
        "axis": axis,
        "n": _by_choice(n),
        "pdf": pdf,
    }


def _by_choice(n: str | Mapping[str, str]) -> dict[str, str]:
    """Texts by joined keys of the options; one for all of them is under no key."""
    return {"": n} if isinstance(n, str) else dict(n)


def _options(options: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    return [
        {"title": title, "choices": [{"key": key, "label": label} for key, label in choices.items()]}
        for title, choices in options.items()
    ]


def _encode(data: pd.DataFrame, column: Column) -> dict[str, Any]:
    encoded: dict[str, Any] = {"key": column.key, "title": column.title, "kind": column.kind, "help": column.help}
    found = data[column.key]
    if column.kind in ("name", "text", "code"):
        filled = data.assign(**{column.key: found.astype("object").where(found.notna(), "")})
        names = names_of(filled, column.key)
        position = {name: index for index, name in enumerate(names)}
        shown = column.names or {}
        encoded["names"] = [shown.get(name, name) for name in names]
        if encoded["names"] != names:
            encoded["keys"] = names
        encoded["codes"] = [position[str(value)] for value in filled[column.key].tolist()]
    elif column.kind == "flag":
        encoded["values"] = [None if pd.isna(value) else bool(value) for value in found.tolist()]
    else:
        encoded["values"] = numbers(found)
    low, high = column.low or f"{column.key}_low", column.high or f"{column.key}_high"
    if column.interval or column.low:
        encoded["low"], encoded["high"] = numbers(data[low]), numbers(data[high])
    return encoded


def numbers(values: "pd.Series[Any] | np.ndarray[Any, Any] | Sequence[Any]") -> list[float | int | None]:
    """Numbers as JSON holds them: whole ones as such, others to five significant digits, undefined ones as None."""
    return [number(value) for value in list(values)]


def number(value: Any) -> float | int | None:
    """One number as JSON holds it."""
    if value is None or pd.isna(value) or not np.isfinite(value):
        return None
    found = float(value)
    if found == round(found) and abs(found) < 1e15:
        return int(found)
    return float(f"{found:.{SIGNIFICANT}g}")
