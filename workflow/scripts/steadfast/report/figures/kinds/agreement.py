"""Agreement of the judges by pair: one matrix per metric."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.agreement import METRIC_NAMES, square_matrix
from steadfast.analysis.tables.display_names import Labels
from steadfast.report.figures.matrix import draw_matrices
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import message_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {
    "pearson_counts": "Pearson's r of counts",
    "cohen_kappa": "Cohen's κ",
    "mcc": "Matthews correlation",
    "f1": "F1 of refusals",
    "accuracy": "Raw agreement",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "coverage": "Coverage",
}
SIGNED = ("pearson_counts", "cohen_kappa", "mcc")
ONE_SIDED = ("sensitivity", "specificity")
ONE_JUDGE = "agreement needs at least two judges"
CORRELATION = "pearson_counts"
"""Its matrix is the study's figure ``judge_correlation``."""


class Settings(FigureSettings):
    """Agreement of every pair of judges, one matrix per metric."""

    reads: ClassVar[tuple[str, ...]] = ("agreement",)
    folder: ClassVar[str] = "judges"


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure per metric; that of the counts is ``judge_correlation``, and a constant coverage says nothing."""
    del settings
    table = data["agreement"]
    if table.empty:
        return {}
    constant = table.loc[table["metric"] == "coverage", "value"].dropna().nunique() <= 1
    left_out = (CORRELATION, *(["coverage"] if constant else []))
    chosen = [metric for metric in METRIC_NAMES if metric not in left_out]
    return {f"agreement_{metric}": figure(table, metric, about.labels, about.baselines) for metric in chosen}


def figure(
    table: pd.DataFrame,
    metric: str,
    labels: Labels | None = None,
    baselines: Collection[str] = (),
    *,
    subset: str = "all",
) -> "Figure":
    """Draw one metric as a square matrix of judges.

    Sensitivity and specificity read row against column: the column is the reference.

    Args:
        table: a table from ``tables.agreement``.
        metric: one of its metrics.
        labels: display labels.
        baselines: judges that do not read the response, which stand apart.
        subset: of the prompts.
    """
    if table.empty:
        return message_figure(ONE_JUDGE)
    rows = table[(table["metric"] == metric) & (table["subset"] == subset)]
    matrix = square_matrix(table, metric, subset)
    title = f"{TITLES[metric]} of the judges"
    notes = [
        f"{'all' if subset == 'all' else subset} prompts",
        f"n ≤ {int(rows['n'].max()):,} responses that both judges scored" if rows["n"].notna().any() else "",
        "row: the judge, column: what it is compared with" if metric in ONE_SIDED else "",
        "behind the gap: baselines, which do not read the response" if set(baselines) & set(matrix.index) else "",
        "–: undefined" if matrix.isna().to_numpy().any() else "",
    ]
    return draw_matrices(
        {title: matrix},
        labels or Labels(),
        title=title,
        notes=notes,
        measure=TITLES[metric],
        limits=(-1.0, 1.0) if metric in SIGNED else (0.0, 1.0),
        symmetric=metric not in ONE_SIDED,
        baselines=baselines,
    )
