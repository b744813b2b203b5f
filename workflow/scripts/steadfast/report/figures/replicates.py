"""Refusal rates of groups of replicates, with intervals between seeds and every seed as a dot."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import LABELS, names_of
from steadfast.core.errors import DataError
from steadfast.report.figures.refusal_counts import TITLES
from steadfast.report.figures.rows import finish_rows, interval_dots
from steadfast.report.figures.style import INK, MARKERS, color_map, figure_style, longest_line, new_figure, wrap

ROW_HEIGHT = 0.24
PERCENT = 100


def draw(
    groups: pd.DataFrame,
    rates: pd.DataFrame,
    members: Mapping[str, str],
    judge: str,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
    confidence: float = 0.95,
) -> Figure:
    """Draw one row per group and variant: the mean over replicates with its interval, and the replicates as dots.

    Args:
        groups: a table as ``tables.groups`` makes it.
        rates: refusal rate per model; columns ``model, variant, judge, label, rate``.
        members: group by model.
        judge: whose verdicts are shown.
        labels: display labels, those of groups among the models'.
        controls: variants to leave out.
        confidence: level of the intervals.

    Raises:
        DataError: the groups hold nothing by this judge.
    """
    labels = labels or Labels()
    table = groups[(groups["judge"] == judge) & ~groups["variant"].isin(list(controls))]
    if table.empty:
        raise DataError(
            f"no replicates judged by {judge!r} to draw; known judges: {', '.join(names_of(groups, 'judge'))}"
        )
    seeds = rates[rates["judge"] == judge].assign(group=rates["model"].map(dict(members))).dropna(subset=["group"])
    names, variants = names_of(table, "group"), names_of(table, "variant")
    rows = [wrap(_row_name(labels, name, table), 34) for name in names]
    shown = [label for label in LABELS if (table["label"] == label).any()]
    height = max(ROW_HEIGHT * len(variants) + 0.14, 0.34)
    with figure_style():
        figure = new_figure(0.066 * longest_line(rows) + 3.0 * len(shown), height * len(names) + 1.1)
        panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for axes, label in zip(panels, shown, strict=True):
            of_class = seeds[seeds["label"] == label]
            _panel(axes, table[table["label"] == label], of_class, names, variants)
            axes.set_title(TITLES[label], loc="left")
        panels[0].set_yticks(range(len(names)), rows)
        panels[0].set_ylim(len(names) - 0.5, -0.5)
        handles, _ = panels[0].get_legend_handles_labels()
        figure.legend(
            handles,
            [labels.variant(variant) for variant in variants],
            loc="outside lower center",
            ncols=min(len(variants), 4),
            title=f"Judge: {labels.judge(judge)}; whiskers: {confidence:.0%} intervals over seeds and prompts; "
            "small dots: individual seeds",
        )
    return figure


def _row_name(labels: Labels, group: str, table: pd.DataFrame) -> str:
    count = int(table.loc[table["group"] == group, "models"].max())
    return f"{labels.model(group)} (n = {count})"


def _panel(axes: Axes, table: pd.DataFrame, seeds: pd.DataFrame, names: list[str], variants: list[str]) -> None:
    colors = color_map()
    spacing = 0.72 / max(len(variants), 2)
    offsets = (np.arange(len(variants)) - (len(variants) - 1) / 2) * spacing
    places = {name: place for place, name in enumerate(names)}
    for index, variant in enumerate(variants):
        color = colors(0.85 * index / max(len(variants), 2))
        mean = table[table["variant"] == variant].set_index("group").reindex(names)
        interval_dots(
            axes,
            np.arange(len(names)) + offsets[index],
            mean[["rate", "rate_low", "rate_high"]].to_numpy(float) * PERCENT,
            color=color,
            marker=MARKERS[index % len(MARKERS)],
            filled=index % 2 == 0,
            label=variant,
            size=6,
            edge=1.2,
            whisker=1.3,
            zorder=3,
        )
        single = seeds[seeds["variant"] == variant]
        # below the whisker, so that seeds do not hide under the mean
        lower = single["group"].map(places).to_numpy(float) + offsets[index] + 0.36 * spacing
        axes.plot(
            single["rate"] * PERCENT,
            lower,
            linestyle="none",
            marker="o",
            markersize=2.6,
            color=color,
            alpha=0.7,
            markeredgewidth=0,
            clip_on=False,
        )
    axes.set_xlim(-3, 103)
    axes.set_xlabel("refused responses (% of scored)", color=INK)
    finish_rows(axes, len(names))
