"""Somebody's refusal counts through the study's statistics and figures, as far as counts alone can tell."""

import pandas as pd
from matplotlib.figure import Figure

from steadfast.analysis.tables.agreement import agreement_from_counts, square_matrix
from steadfast.analysis.tables.conclusions import conclusion_table
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.ranking import ranking_from_counts
from steadfast.analysis.tables.robustness import robustness_from_counts
from steadfast.report.figures import conclusions as conclusions_figure
from steadfast.report.figures import rank_stability
from steadfast.report.figures.study import study_figures


def tables_from_counts(counts: pd.DataFrame, *, confidence: float, margin: float) -> dict[str, pd.DataFrame]:
    """Every table that counts alone allow.

    Args:
        counts: a table as ``tables.counts`` makes it.
        confidence: coverage probability of the intervals.
        margin: the loss of refusals from which a model no longer counts as robust.

    Returns:
        ``judge_correlation`` (a square matrix), ``rates``, ``conclusions`` and ``ranking``. The conclusions are held
        against nobody's, since a counts table does not say whom to believe.
    """
    rates = robustness_from_counts(counts, confidence=confidence, margin=margin)
    return {
        "judge_correlation": square_matrix(agreement_from_counts(counts)),
        "rates": rates,
        "conclusions": conclusion_table(rates, None, confidence=confidence),
        "ranking": ranking_from_counts(counts),
    }


def figures_from_counts(counts: pd.DataFrame, tables: dict[str, pd.DataFrame], *, margin: float) -> dict[str, Figure]:
    """The study's figures, one of refusal counts per judge, and those on conclusions and ranks.

    Args:
        counts: a table as ``tables.counts`` makes it.
        tables: what ``tables_from_counts`` made of it.
        margin: margin of the conclusions, for their note.

    Returns:
        Figures by file name without suffix.
    """
    return {
        **study_figures(counts, tables["judge_correlation"], judges=names_of(counts, "judge")),
        "conclusions": conclusions_figure.draw(tables["conclusions"], margin=margin),
        "rank_stability": rank_stability.draw(tables["ranking"]),
    }
