"""Sections, and texts that several of them share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from steadfast.report.blocks import EDITED, OF_PAGE, Block, Column, number
from steadfast.report.figures.heading import number_of
from steadfast.report.study import Study

PROMPTS = {"harmful": "Harmful prompts", "harmless": "Harmless prompts"}
EDITED_ON_HARMFUL = {"variant": EDITED, "judge": OF_PAGE, "label": "harmful"}
"""Rows of a table of rates that answer the question: edited variants, by the page's judge, on harmful prompts."""
REFUSED = "Responses refused"
SUBSETS = {"all": "All", "harmful": "Harmful", "harmless": "Harmless", "human": "Human subset"}
FAMILIES = {"all": "all groups"}
HOOK_COLUMNS = (
    Column(
        "hook_deviation",
        "Baked vs. hooked",
        "number",
        help="Distance of the edited model from the original with hooks, in multiples of the bound; above 1 fails.",
        detail=True,
    ),
    Column(
        "hook_share",
        "Baked vs. hooked, share of the effect",
        "share",
        help="The same distance, as a share of the edit's own effect.",
        detail=True,
    ),
)
"""How far the weights of an edit are from the same edit as hooks."""


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        slug: its anchor.
        title: its heading.
        needs: tables without which it is left out.
        build: its blocks; none leave it out.
        shows: tables that it shows, in addition to those that it needs.
    """

    slug: str
    title: str
    needs: tuple[str, ...]
    build: Callable[[Study], list[Block]]
    shows: tuple[str, ...] = ()


def pair_columns(study: Study) -> list[Column]:
    """Columns that name a model and a variant."""
    return [
        Column("model", "Model", "name", names=study.labels.models),
        Column("variant", "Variant", "name", names=study.labels.variants),
    ]


def judge_column(study: Study, key: str = "judge", title: str = "Judge") -> Column:
    """A column that names a judge."""
    return Column(key, title, "name", names=study.labels.judges)


def label_column(key: str = "label") -> Column:
    """A column with the prompt label."""
    return Column(key, "Prompts", "name", names=SUBSETS)


def scored_by(study: Study, *, label: str = "") -> dict[str, str]:
    """By judge, how many scored responses a rate rests on, as in ``n = 19 to 20 scored responses per rate``.

    Args:
        study: what the run found.
        label: of the prompts; both if it is empty.
    """
    rates = study.tables["robustness"]
    rates = rates[rates["label"] == label] if label else rates
    scored = (rates["refused"] + rates["not_refused"]).groupby(rates["judge"], sort=False)
    return {str(judge): f"{number_of(found, 'scored responses')} per rate" for judge, found in scored}


def grid_of(
    table: pd.DataFrame, rows: Sequence[Any], columns: Sequence[Any], row: Sequence[str], column: str
) -> Mapping[str, list[list[Any]]]:
    """Arrays [row][column] of the table's numbers by column name, None where there is none."""
    keyed = table.set_index([*row, column])
    keyed = keyed[~keyed.index.duplicated()]
    found: dict[str, list[list[Any]]] = {}
    for name in keyed.columns:
        if not pd.api.types.is_numeric_dtype(keyed[name]):
            continue
        values = {key if isinstance(key, tuple) else (key,): number(value) for key, value in keyed[name].items()}
        found[name] = [[values.get((*_tuple(line), column_name)) for column_name in columns] for line in rows]
    return found


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
