"""The figures that tell which judge to believe, and what the choice does to the conclusions."""

from collections.abc import Collection

import pandas as pd
from matplotlib.figure import Figure

from steadfast.analysis.tables.agreement import METRIC_NAMES
from steadfast.analysis.tables.display_names import Labels
from steadfast.report.figures import agreement as agreement_figure
from steadfast.report.figures import conclusions as conclusions_figure
from steadfast.report.figures import corrected_rates, judge_bias, rank_stability

CORRELATION = "pearson_counts"
"""Its matrix is the study's figure ``judge_correlation``."""
NAMES = (
    *(f"agreement_{metric}" for metric in METRIC_NAMES if metric != CORRELATION),
    "agreement_with_reference",
    "conclusions",
    "rank_stability",
    "judge_bias",
    "corrected_rates",
)


def judge_figures(
    agreement: pd.DataFrame,
    conclusions: pd.DataFrame,
    ranking: pd.DataFrame,
    bias: pd.DataFrame,
    robustness: pd.DataFrame,
    labels: Labels | None = None,
    *,
    reference: str,
    judge: str,
    controls: Collection[str] = (),
    margin: float = 0.10,
) -> dict[str, Figure]:
    """Draw all figures about the judges.

    Args:
        agreement: a table as ``tables.agreement`` makes it.
        conclusions: a table as ``tables.conclusions`` makes it.
        ranking: a table as ``tables.ranking`` makes it.
        bias: a table as ``tables.fidelity.bias_table`` makes it.
        robustness: a table as ``tables.robustness`` makes it.
        labels: display labels.
        reference: judge that the others are compared with.
        judge: whose rates are shown raw and corrected.
        controls: variants with the role *control*.
        margin: margin of the conclusions.

    Returns:
        Figures by file name without suffix, of the ``NAMES``; the coverage only where it varies.
    """
    matrices = agreement_figure.draw_matrices(agreement, labels)
    constant = agreement.loc[agreement["metric"] == "coverage", "value"].dropna().nunique() == 1
    left_out = (CORRELATION, *(["coverage"] if constant else []))
    return {f"agreement_{metric}": figure for metric, figure in matrices.items() if metric not in left_out} | {
        "agreement_with_reference": agreement_figure.draw_with_reference(agreement, reference, labels),
        "conclusions": conclusions_figure.draw(conclusions, labels, margin=margin),
        "rank_stability": rank_stability.draw(ranking, labels),
        "judge_bias": judge_bias.draw(bias, reference, labels),
        "corrected_rates": corrected_rates.draw(robustness, judge, labels, controls=controls),
    }
