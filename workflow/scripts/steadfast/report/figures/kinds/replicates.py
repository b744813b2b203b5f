"""Refusal rates of groups of replicates, with intervals between seeds and every seed as a dot."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import LABELS, names_of
from steadfast.core.errors import DataError
from steadfast.report.figures.heading import add_heading, add_legend, heading_height, legend_height, number_of
from steadfast.report.figures.kinds.refusal_counts import TITLES
from steadfast.report.figures.look import narrow
from steadfast.report.figures.rows import finish_rows, interval_dots, name_rows
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import figure_style, marker_key, new_figure, variant_styles
from steadfast.report.figures.text_fitting import most_lines, row_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUB_ROW = 0.22
PERCENT = 100


class Settings(FigureSettings):
    """Refusal rates of groups of replicates: the mean with its interval over seeds, and every seed as a dot."""

    reads: ClassVar[tuple[str, ...]] = ("groups", "robustness")


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure; controls and sweeps are left out."""
    del settings
    labels = Labels(about.group_labels, about.labels.variants, about.labels.judges)
    return {
        "replicates": figure(
            data["groups"],
            data["robustness"],
            about.groups,
            about.judge,
            labels,
            controls=[*about.controls, *about.swept],
            confidence=about.confidence,
        )
    }


def figure(
    groups: pd.DataFrame,
    rates: pd.DataFrame,
    members: Mapping[str, str],
    judge: str,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
    confidence: float = 0.95,
) -> "Figure":
    """Draw one row per group and variant: the mean over replicates with its interval, and the replicates as dots.

    Args:
        groups: a table from ``tables.groups``.
        rates: refusal rate per model; columns ``model, variant, judge, label, rate``.
        members: group by model.
        judge: whose verdicts are shown.
        labels: display labels, those of groups in place of the models'.
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
    styles = variant_styles(variants)
    shown = [label for label in LABELS if (table["label"] == label).any()]
    title = "Refusals of replicates, by recipe"
    notes = [
        f"judge: {labels.judge(judge)}",
        number_of(seeds["total"], "responses per seed") if "total" in seeds else "",
        f"whiskers: {confidence:.0%} intervals over seeds and prompts",
        "small dots: individual seeds",
    ]
    keys = [marker_key(labels.variant(variant), styles[variant]) for variant in variants]
    with figure_style():
        rows = row_labels([_row_name(labels, name, table) for name in names])
        across = 1 if narrow() else len(shown)
        down = len(shown) // across
        row = max(SUB_ROW * len(variants) + 0.1, 0.14 * most_lines(rows) + 0.05)
        height = down * (row * len(names) + 0.3) + 0.35
        drawn = new_figure(height + heading_height(title, notes) + legend_height(keys))
        panels = drawn.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for axes, label in zip(panels.flat, shown, strict=True):
            of_label = seeds[seeds["label"] == label]
            _panel(axes, table[table["label"] == label], of_label, names, styles)
            axes.set_title(TITLES[label], loc="left")
        for axes in panels[-1]:
            axes.set_xlabel("refused (% of scored responses)")
        name_rows(panels, rows)
        add_legend(drawn, keys)
        add_heading(drawn, title, notes)
    return drawn


def _row_name(labels: Labels, group: str, table: pd.DataFrame) -> str:
    count = int(table.loc[table["group"] == group, "models"].max())
    return f"{labels.model(group)} (n = {count})"


def _panel(
    axes: "Axes",
    table: pd.DataFrame,
    seeds: pd.DataFrame,
    names: Sequence[str],
    styles: Mapping[str, Mapping[str, Any]],
) -> None:
    spacing = 0.78 / max(len(styles), 2)
    offsets = (np.arange(len(styles)) - (len(styles) - 1) / 2) * spacing
    places = {name: place for place, name in enumerate(names)}
    for (variant, style), offset in zip(styles.items(), offsets, strict=True):
        mean = table[table["variant"] == variant].set_index("group").reindex(list(names))
        interval_dots(
            axes,
            np.arange(len(names)) + offset,
            mean[["rate", "rate_low", "rate_high"]].to_numpy(float) * PERCENT,
            **style,
            label=variant,
            size=4.8,
            whisker=1.1,
        )
        single = seeds[seeds["variant"] == variant]
        # below the whisker, so that seeds do not hide under the mean
        lower = single["group"].map(places).to_numpy(float) + offset + 0.36 * spacing
        axes.plot(
            single["rate"] * PERCENT,
            lower,
            linestyle="none",
            marker="o",
            markersize=2.2,
            color=style["color"],
            alpha=0.7,
            markeredgewidth=0,
            clip_on=False,
        )
    axes.set_xlim(-2.5, 102.5)
    finish_rows(axes, len(names))
