"""Scores as a table with the description of their measures, and as JSON."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import pandas as pd

from steadfast.analysis.side_effects import About, Score, load_measure

SCORE_COLUMNS = [field.name for field in fields(Score)]
ABOUT_COLUMNS = [field.name for field in fields(About)]
COLUMNS = ["measure", *SCORE_COLUMNS, *ABOUT_COLUMNS]
NUMBERS = ("value", "original", "weight")
ABOUT_NOTHING = About("", "", worse="neither")


def score_table(package: str, scores: Mapping[str, Sequence[Score]]) -> pd.DataFrame:
    """One row per measure and item, columns ``COLUMNS``; it can be read without loading the measures.

    Args:
        package: the measures' package.
        scores: scores by measure.
    """
    parts = [described_scores(name, found, load_measure(package, name).ABOUT) for name, found in scores.items()]
    return pd.concat([described_scores("", [], ABOUT_NOTHING), *parts], ignore_index=True)


def described_scores(measure: str, scores: Sequence[Score], about: About) -> pd.DataFrame:
    """The rows of one measure.

    Args:
        measure: name of the measure.
        scores: its scores.
        about: description of the measure.
    """
    rows = [{"measure": measure, **asdict(score), **asdict(about)} for score in scores]
    texts = [name for name in COLUMNS if name not in (*NUMBERS, "proportion")]
    types = {**dict.fromkeys(NUMBERS, "float64"), **dict.fromkeys(texts, "str"), "proportion": "bool"}
    return pd.DataFrame(rows, columns=COLUMNS).astype(types)


def scores_to_json(scores: Sequence[Score]) -> dict[str, Any]:
    """Scores as a JSON object; NaN and infinity, which degraded models produce, become null."""
    return {name: [_finite(getattr(score, name)) for score in scores] for name in SCORE_COLUMNS}


def scores_from_json(answer: Mapping[str, Any]) -> list[Score]:
    """The inverse of ``scores_to_json``; null becomes NaN."""
    columns = {name: answer[name] for name in SCORE_COLUMNS}
    rows: list[dict[str, Any]] = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    filled: Iterator[dict[str, Any]] = (
        {key: math.nan if value is None else value for key, value in row.items()} for row in rows
    )
    return [Score(**row) for row in filled]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
