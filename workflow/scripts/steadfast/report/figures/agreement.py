"""How well the judges agree: every judge against the reference with intervals, and every pair as a matrix."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steadfast.analysis.tables.agreement import METRIC_NAMES, square_matrix
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.core.errors import DataError
from steadfast.report.figures import judge_correlation
from steadfast.report.figures.rows import finish_rows, interval_dots
from steadfast.report.figures.style import color_map, figure_style, longest_line, message_figure, new_figure, wrap

TITLES = {
    "pearson_counts": "Pearson,\nstacked counts",
    "cohen_kappa": "Cohen's κ",
    "mcc": "Matthews\ncorrelation",
    "f1": "F1 of\nrefusals",
    "accuracy": "Raw\nagreement",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "coverage": "Coverage",
}
SIGNED = ("pearson_counts", "cohen_kappa", "mcc")
ONE_SIDED = ("sensitivity", "specificity")
MARKERS = {"all": "o", "harmful": "D", "harmless": "s", "human": "^"}
ONE_JUDGE = "agreement needs at least two judges"
ROW_HEIGHT = 0.42
PANEL_WIDTH = 1.15


def draw_with_reference(
    agreement: pd.DataFrame,
    reference: str,
    labels: Labels | None = None,
    *,
    subsets: tuple[str, ...] = ("all", "harmful", "harmless"),
) -> Figure:
    """Draw one row per judge and one panel per metric, a marker per subset with its interval.

    Args:
        agreement: a table as ``tables.agreement`` makes it.
        reference: judge that the others are compared with.
        labels: display labels.
        subsets: which subsets are shown.

    Raises:
        DataError: the reference is not among the judges.
    """
    labels = labels or Labels()
    if agreement.empty:
        return message_figure(ONE_JUDGE)
    table = agreement[agreement["judge_b"] == reference]
    if table.empty:
        raise DataError(f"no agreement with {reference!r}; judges: {', '.join(names_of(agreement, 'judge_b'))}")
    judges = names_of(table, "judge_a")
    metrics = [metric for metric in METRIC_NAMES if (table["metric"] == metric).any()]
    names = [wrap(labels.judge(judge), 30) for judge in judges]
    with figure_style():
        width = 0.066 * longest_line(names) + PANEL_WIDTH * len(metrics) + 0.2
        figure = new_figure(width, ROW_HEIGHT * len(judges) + 1.2)
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for axes, metric in zip(panels, metrics, strict=True):
            _panel(axes, table[table["metric"] == metric], judges, subsets)
            axes.set_title(TITLES[metric], fontsize=8)
            axes.set_xlim(-1.05 if metric in SIGNED else -0.03, 1.05 if metric in SIGNED else 1.03)
        panels[0].set_yticks(range(len(judges)), names)
        panels[0].set_ylim(len(judges) - 0.5, -0.5)
        handles, shown = panels[0].get_legend_handles_labels()
        figure.legend(
            handles,
            [f"{subset} prompts" for subset in shown],
            loc="outside lower center",
            ncols=len(shown),
            title=f"Agreement with {labels.judge(reference)} (n ≤ {int(table['n'].max())}); intervals resample "
            "prompts; no marker: undefined or too few",
        )
    return figure


def draw_matrices(agreement: pd.DataFrame, labels: Labels | None = None, *, subset: str = "all") -> dict[str, Figure]:
    """Draw every metric as a square matrix of judges.

    Sensitivity and specificity read row against column: the column is the reference.

    Returns:
        Figures by metric, all metrics.
    """
    if agreement.empty:
        return {metric: message_figure(ONE_JUDGE) for metric in METRIC_NAMES}
    return {
        metric: judge_correlation.draw(
            square_matrix(agreement, metric, subset),
            labels,
            measure=TITLES[metric].replace("\n", " ") + ("" if subset == "all" else f", {subset} prompts"),
            limits=(-1.0, 1.0) if metric in SIGNED else (0.0, 1.0),
            symmetric=metric not in ONE_SIDED,
        )
        for metric in METRIC_NAMES
    }


def _panel(axes: Axes, table: pd.DataFrame, judges: list[str], subsets: tuple[str, ...]) -> None:
    colors = color_map()
    offsets = (np.arange(len(subsets)) - (len(subsets) - 1) / 2) * 0.6 / max(len(subsets), 2)
    for index, subset in enumerate(subsets):
        rows = table[table["subset"] == subset].set_index("judge_a").reindex(judges)
        interval_dots(
            axes,
            np.arange(len(judges)) + offsets[index],
            rows[["value", "low", "high"]].to_numpy(float),
            color=colors(0.8 * index / max(len(subsets) - 1, 1)),
            marker=MARKERS[subset],
            filled=index % 2 == 0,
            label=subset,
        )
    finish_rows(axes, len(judges))
