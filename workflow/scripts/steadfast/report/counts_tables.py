"""The study's statistics and figures for a table of refusal counts."""

import itertools
import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import pandas as pd

from steadfast.analysis.tables.agreement import agreement_from_counts, square_matrix
from steadfast.analysis.tables.conclusions import conclusion_table
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.ranking import ranking_from_counts
from steadfast.analysis.tables.robustness import robustness_from_counts
from steadfast.report.figures.kinds import conclusions as conclusions_figure
from steadfast.report.figures.kinds import judge_correlation, rank_stability, refusal_counts, refusal_heatmap

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def tables_from_counts(counts: pd.DataFrame, *, confidence: float, margin: float) -> dict[str, pd.DataFrame]:
    """Every table that counts alone allow.

    Args:
        counts: a table from ``tables.counts``.
        confidence: coverage probability of the intervals.
        margin: the loss of refusals from which a model no longer counts as robust.

    Returns:
        ``judge_correlation`` (a square matrix), ``rates``, ``conclusions`` and ``ranking``. The conclusions have no
    reference, since a counts table does not name a reference judge.
    """
    rates = robustness_from_counts(counts, confidence=confidence, margin=margin)
    return {
        "judge_correlation": square_matrix(agreement_from_counts(counts)),
        "rates": rates,
        "conclusions": conclusion_table(rates, None, confidence=confidence),
        "ranking": ranking_from_counts(counts),
    }


def figures_from_counts(
    counts: pd.DataFrame, tables: dict[str, pd.DataFrame], *, margin: float, confidence: float = 0.95
) -> "Iterator[tuple[str, Figure]]":
    """The study's figures, one of refusal counts per judge, and those on conclusions and ranks.

    Args:
        counts: a table from ``tables.counts``.
        tables: what ``tables_from_counts`` made of it.
        margin: margin of the conclusions, for their note.
        confidence: level of the whiskers.

    Yields:
        File name without suffix, and figure.
    """
    yield "judge_correlation", judge_correlation.figure(tables["judge_correlation"])
    for label in names_of(counts, "label"):
        yield f"refusal_heatmap_{label}", refusal_heatmap.figure(counts, label)
    judges = names_of(counts, "judge")
    names = ["refusal_counts"] if len(judges) == 1 else [f"refusal_counts_{slug}" for slug in slugs(judges)]
    for judge, name in zip(judges, names, strict=True):
        yield name, refusal_counts.figure(counts, judge, confidence=confidence)
    yield "conclusions", conclusions_figure.figure(tables["conclusions"], margin=margin, prompts=counts["total"])
    yield "rank_stability", rank_stability.figure(tables["ranking"])


def slugs(names: Collection[str]) -> list[str]:
    """Names as distinct parts of file names: lower case, runs of other characters as one hyphen.

    Names that come out alike are distinguished by a number.
    """
    found: list[str] = []
    for name in names:
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "judge"
        numbered = (f"{slug}-{number}" for number in itertools.count(2))
        found.append(next(choice for choice in itertools.chain([slug], numbered) if choice not in found))
    return found
