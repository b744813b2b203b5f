"""How well every judge agrees with the reference, with intervals."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.agreement import METRIC_NAMES
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.core.errors import DataError
from steadfast.core.settings import UniqueItems
from steadfast.report.figures.heading import add_heading, add_legend, heading_height, legend_height
from steadfast.report.figures.kinds.agreement import ONE_JUDGE, SIGNED
from steadfast.report.figures.look import narrow
from steadfast.report.figures.panels import hide_rest
from steadfast.report.figures.rows import align_ends, finish_rows, interval_dots, name_rows
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import INK, figure_style, marker_key, message_figure, new_figure, series_color
from steadfast.report.figures.text_fitting import most_lines, row_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEADINGS = {
    "pearson_counts": "Pearson's r\nof counts",
    "cohen_kappa": "Cohen's κ",
    "mcc": "Matthews\ncorrelation",
    "f1": "F1 of\nrefusals",
    "accuracy": "Raw\nagreement",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "coverage": "Coverage",
}
MARKERS = {"all": "o", "harmful": "D", "harmless": "s", "human": "^"}
SUBSETS = ("all", "harmful", "harmless")
NARROW_METRICS = ("cohen_kappa", "sensitivity", "specificity")
SUB_ROW = 0.12
LEAST_JUDGED = 2


class Settings(FigureSettings):
    """Agreement of every judge with the reference, with intervals: one panel per metric."""

    reads: ClassVar[tuple[str, ...]] = ("agreement",)
    folder: ClassVar[str] = "judges"

    metrics: UniqueItems[Literal[METRIC_NAMES]] | None = Field(  # type: ignore[valid-type]
        None,
        description=(
            "Metrics that are shown; null shows all that differ between judges, and in a single column "
            "`cohen_kappa`, `sensitivity` and `specificity`."
        ),
    )
    baselines: bool = Field(
        True, description="Whether judges that do not read the response are shown, below the others."
    )


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure."""
    table = data["agreement"]
    if not settings.baselines:
        table = table[~table["judge_a"].isin(about.baselines)]
    drawn = figure(
        table,
        about.truth,
        about.labels,
        baselines=about.baselines,
        metrics=settings.metrics,
        confidence=about.confidence,
    )
    return {"agreement_with_reference": drawn}


def figure(
    agreement: pd.DataFrame,
    reference: str,
    labels: Labels | None = None,
    *,
    subsets: Sequence[str] = SUBSETS,
    baselines: Collection[str] = (),
    metrics: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> "Figure":
    """Draw one row per judge and one panel per metric, a marker per subset with its interval.

    A metric that is the same for every judge says nothing and is left out.

    Args:
        agreement: a table from ``tables.agreement``.
        reference: judge that the others are compared with.
        labels: display labels.
        subsets: which subsets are shown.
        baselines: judges that do not read the response, which come last, below a line.
        metrics: which are shown; None for all that say something, in a single column for three of them.
        confidence: level of the intervals.

    Raises:
        DataError: the reference is not among the judges.
    """
    labels = labels or Labels()
    if agreement.empty:
        return message_figure(ONE_JUDGE)
    table = agreement[(agreement["judge_b"] == reference) & agreement["subset"].isin(list(subsets))]
    if table.empty:
        raise DataError(f"no agreement with {reference!r}; judges: {', '.join(names_of(agreement, 'judge_b'))}")
    found = names_of(table, "judge_a")
    judges = [name for name in found if name not in baselines] + [name for name in found if name in baselines]
    wanted = metrics or (NARROW_METRICS if narrow() else METRIC_NAMES)
    metrics = [metric for metric in wanted if _says_something(table[table["metric"] == metric]["value"])]
    if not metrics:
        return message_figure("every judge agrees with the reference alike, or agreement is undefined")
    shown = table[table["metric"].isin(metrics)]
    subsets = [subset for subset in subsets if shown.loc[shown["subset"] == subset, "value"].notna().any()]
    title = f"Agreement with {labels.judge(reference)}"
    notes = [
        f"reference: {labels.judge(reference)}",
        f"n ≤ {int(table['n'].max()):,} responses",
        f"{confidence:.0%} intervals resample prompts",
        "no marker: undefined or too few" if shown["value"].isna().any() else "",
        "below the line: baselines" if set(judges) & set(baselines) and set(judges) - set(baselines) else "",
    ]
    keys = [
        marker_key(f"{subset} prompts", {"color": series_color(number), "marker": MARKERS[subset], "filled": True})
        for number, subset in enumerate(subsets)
    ]
    with figure_style():
        names = row_labels([labels.judge(judge) for judge in judges], 0.26)
        across = min(len(metrics), 3 if narrow() else 8)
        down = -(-len(metrics) // across)
        row = max(SUB_ROW * len(subsets) + 0.1, 0.14 * most_lines(names))
        height = down * (row * len(judges) + 0.62)
        drawn = new_figure(height + heading_height(title, notes) + legend_height(keys))
        panels = drawn.subplots(down, across, sharey=True, squeeze=False)
        for axes, metric in zip(panels.flat, metrics, strict=False):
            _panel(axes, table[table["metric"] == metric], judges, subsets)
            axes.set_title(HEADINGS[metric])
            low = -1.0 if metric in SIGNED else 0.0
            margin = 0.04 * (1 - low)
            axes.set_xlim(low - margin, 1 + margin)
            axes.set_xticks([-1, 0, 1] if low else [0, 0.5, 1], ["−1", "0", "1"] if low else ["0", ".5", "1"])
            align_ends(axes)
            apart = sum(judge not in baselines for judge in judges)
            if 0 < apart < len(judges):
                axes.axhline(apart - 0.5, color=INK, linewidth=0.8)
        hide_rest(panels, len(metrics))
        name_rows(panels, names)
        add_legend(drawn, keys)
        add_heading(drawn, title, notes)
    return drawn


def _says_something(values: "pd.Series[float]") -> bool:
    known = values.dropna()
    return len(known) > 0 and (known.nunique() > 1 or len(known) < LEAST_JUDGED)


def _panel(axes: "Axes", table: pd.DataFrame, judges: Sequence[str], subsets: Sequence[str]) -> None:
    offsets = (np.arange(len(subsets)) - (len(subsets) - 1) / 2) * 0.66 / max(len(subsets), 2)
    for index, subset in enumerate(subsets):
        rows = table[table["subset"] == subset].set_index("judge_a").reindex(list(judges))
        interval_dots(
            axes,
            np.arange(len(judges)) + offsets[index],
            rows[["value", "low", "high"]].to_numpy(float),
            color=series_color(index),
            marker=MARKERS[subset],
            filled=True,
            label=subset,
            size=3.4,
            edge=0.8,
            whisker=0.9,
        )
    finish_rows(axes, len(judges))
