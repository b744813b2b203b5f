"""Refusals per model before and after the edit, by one judge (the study's Figure 2)."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from steadfast.analysis.statistics.proportions import wilson_interval
from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import LABELS, names_of
from steadfast.core.errors import DataError
from steadfast.core.names import ORIGINAL
from steadfast.report.figures.heading import add_heading, add_legend, heading_height, legend_height, number_of
from steadfast.report.figures.look import look, narrow
from steadfast.report.figures.rows import finish_rows, interval_dots, name_rows
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import (
    INK,
    PARTS,
    figure_style,
    marker_key,
    mixed,
    new_figure,
    part_style,
    patch_key,
    variant_styles,
)
from steadfast.report.figures.text_fitting import most_lines, row_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUB_ROW = 0.16
TITLES = {"harmful": "Harmful prompts", "harmless": "Harmless prompts"}
TITLE = "Refusals before and after the edit"
ONE_EDIT = 2
"""Variants of a figure with the original and one edit."""
LEAST_SHOWN = 0.09
"""Shares below this have no number in their bar."""


class Settings(FigureSettings):
    """Refusals of each model before and after the edit, as dots with intervals and as stacked bars."""

    reads: ClassVar[tuple[str, ...]] = ("counts",)

    order: Literal["refusals", "configuration"] = Field(
        "refusals",
        description="Order of the models: by the harmful prompts that they refuse after the edit, or as listed.",
    )
    stacked: bool = Field(
        True,
        description=(
            "Whether bars of refused, not refused and unscored responses are next to the dots; in a single column "
            "there is no room for them."
        ),
    )


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure; controls and sweeps have figures of their own."""
    counts = data["counts"]
    counts = counts[~counts["variant"].isin([*about.controls, *about.swept])]
    return {
        "refusal_counts": figure(
            counts,
            about.judge,
            about.labels,
            confidence=about.confidence,
            order=settings.order,
            stacked=settings.stacked,
        )
    }


def figure(
    counts: pd.DataFrame,
    judge: str,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
    confidence: float = 0.95,
    order: str = "refusals",
    stacked: bool = True,
    title: str = TITLE,
) -> "Figure":
    """Draw one row per model: a dot before the edit, one per edit, and a line between them.

    Whiskers are Wilson intervals, in percent of the scored responses; the numbers of refusals are next to the dots.
    Beside the dots, bars show the refused, not refused and unscored responses of each variant.

    Args:
        counts: a table from ``tables.counts``.
        judge: whose verdicts are shown.
        labels: display labels.
        controls: variants with the role *control*; no line leads to them.
        confidence: level of the whiskers.
        order: ``refusals`` sorts the models by what they refuse after the edit.
        stacked: whether to draw the bars.
        title: of the figure.

    Raises:
        DataError: the counts hold nothing by this judge.
    """
    labels = labels or Labels()
    stacked = stacked and not narrow()
    table = counts[counts["judge"] == judge]
    if table.empty:
        raise DataError(f"no counts by judge {judge!r} to draw; known judges: {', '.join(names_of(counts, 'judge'))}")
    variants = names_of(table, "variant")
    models = sorted_models(table, controls) if order == "refusals" else names_of(table, "model")
    styles = variant_styles(variants, controls)
    shown = [label for label in LABELS if (table["label"] == label).any()]
    unscored = bool((table["unscored"] > 0).any())
    notes = [
        f"judge: {labels.judge(judge)}",
        number_of(table["total"], "responses per row"),
        f"whiskers: {confidence:.0%} Wilson intervals",
        "numbers: refusals" + (", (+n?): n unscored" if unscored else ""),
    ]
    keys = [marker_key(labels.variant(name), styles[name]) for name in variants]
    if stacked:
        parts = list(PARTS) if unscored else ["refused", "not refused"]
        keys += [patch_key(part, **part_style(part)) for part in parts]
    with figure_style():
        names = row_labels([labels.model(model) for model in models])
        row = max(SUB_ROW * len(variants) + 0.12, 0.145 * most_lines(names) + 0.04)
        kinds = ["dots", "bars"] if stacked else ["dots"]
        panels = [(label, kind) for label in shown for kind in kinds]
        across = 1 if narrow() else len(kinds if stacked else shown)
        down = len(panels) // across
        height = down * (row * len(models) + 0.32 * look().font_size / 8) + 0.36
        drawn = new_figure(height + heading_height(title, notes) + legend_height(keys))
        grid = drawn.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for axes, (label, kind) in zip(grid.flat, panels, strict=True):
            part = table[table["label"] == label]
            (_dots if kind == "dots" else _bars)(axes, part, models, styles, confidence, controls)
            axes.set_title(TITLES[label] if kind == "dots" else f"{TITLES[label]}: all responses", loc="left")
            axes.set_xlim(-2.5, 102.5)
            finish_rows(axes, len(models))
        for axes in grid[-1]:
            bars = stacked and axes is not grid[-1, 0]
            axes.set_xlabel("responses (%)" if bars else "refused (% of scored responses)")
        name_rows(grid, names)
        add_legend(drawn, keys)
        add_heading(drawn, title, notes)
    return drawn


def sorted_models(table: pd.DataFrame, controls: Collection[str] = ()) -> list[str]:
    """Models by the share of harmful prompts that they refuse after the edit, then before it; the highest first.

    Several edits count by the lowest share among them.
    """
    scored = table["refused"] + table["not_refused"]
    rated = table.assign(rate=table["refused"] / scored.where(scored > 0))
    first = LABELS[0] if (table["label"] == LABELS[0]).any() else names_of(table, "label")[0]
    rated = rated[(rated["label"] == first) & ~rated["variant"].isin(list(controls))]
    before = rated[rated["variant"] == ORIGINAL].set_index("model")["rate"]
    after = rated[rated["variant"] != ORIGINAL].groupby("model")["rate"].min()
    models = names_of(table, "model")
    return sorted(models, key=lambda model: (-_or_least(after, model), -_or_least(before, model)))


def _or_least(rates: "pd.Series[float]", model: str) -> float:
    value = float(rates.get(model, np.nan))
    return -1.0 if np.isnan(value) else value


def _offsets(count: int) -> Any:
    return (np.arange(count) - (count - 1) / 2) * 0.8 / max(count, 2)


def _dots(
    axes: "Axes",
    table: pd.DataFrame,
    models: Sequence[str],
    styles: Mapping[str, Mapping[str, Any]],
    confidence: float,
    controls: Collection[str],
) -> None:
    places = np.arange(len(models), dtype=float)
    before: Any = None
    # of one edit both dots are at one height, and the whiskers beside them
    level = len(styles) == ONE_EDIT and not set(styles) & set(controls)
    for (variant, style), beside in zip(styles.items(), _offsets(len(styles)), strict=True):
        offset, whisker = (0.0, beside) if level else (beside, 0.0)
        rows = table[table["variant"] == variant].set_index("model").reindex(list(models))
        refused = rows["refused"].to_numpy(float)
        scored = refused + rows["not_refused"].to_numpy(float)
        low, high = wilson_interval(refused, scored, confidence)
        rate = 100 * np.divide(refused, scored, out=np.full(len(models), np.nan), where=scored > 0)
        interval_dots(
            axes,
            places + offset,
            np.column_stack([rate, 100 * low, 100 * high]),
            **style,
            label=variant,
            size=5.6 if level and variant == ORIGINAL else 4.6,
            whisker=0.9,
            alpha=0.8,
            below=whisker,
        )
        if variant == ORIGINAL:
            before = (rate, places + offset)
        elif variant not in controls and before is not None:
            _connect(axes, before, (rate, places + offset), style["color"])
        for place, count, missing in zip(places + beside, refused, rows["unscored"].to_numpy(float), strict=True):
            axes.text(
                1.02,
                place,
                _text(count, missing),
                transform=axes.get_yaxis_transform(),
                va="center",
                fontsize=0.8 * look().font_size,
                color=mixed(style["color"], -0.3) if variant != ORIGINAL else INK,
            )


def _connect(axes: "Axes", before: Any, after: Any, color: Any) -> None:
    """The bar of the dumbbell: from the dot before the edit to the one after it."""
    for x, y, to_x, to_y in zip(*before, *after, strict=True):
        axes.plot([x, to_x], [y, to_y], color=color, linewidth=2.4, alpha=0.28, solid_capstyle="butt", zorder=1)


def _bars(
    axes: "Axes",
    table: pd.DataFrame,
    models: Sequence[str],
    styles: Mapping[str, Mapping[str, Any]],
    _confidence: float,
    _controls: Collection[str],
) -> None:
    step = 0.8 / max(len(styles), 2)
    for (variant, style), offset in zip(styles.items(), _offsets(len(styles)), strict=True):
        rows = table[table["variant"] == variant].set_index("model").to_dict("index")
        for place, model in enumerate(models):
            if model in rows:
                _bar(axes, place + offset, 0.86 * step, rows[model])
            face = style["color"] if style["filled"] else "white"
            axes.plot(
                [-3.2],
                [place + offset],
                marker=style["marker"],
                markersize=3.2,
                markeredgecolor=style["color"],
                markerfacecolor=face,
                clip_on=False,
            )


def _bar(axes: "Axes", middle: float, height: float, row: Mapping[Any, Any]) -> None:
    """The responses of one variant, in percent of all."""
    left = 0.0
    for part in PARTS:
        number = float(row[part.replace(" ", "_")])
        share = 100 * number / float(row["total"]) if row["total"] else 0.0
        axes.barh(middle, share, left=left, height=height, **part_style(part))
        if share >= 100 * LEAST_SHOWN:
            axes.text(
                left + share / 2,
                middle,
                f"{number:.0f}",
                ha="center",
                va="center",
                fontsize=0.76 * look().font_size,
                color="white" if part == "refused" else INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4} if part == "unscored" else None,
                in_layout=False,
            )
        left += share


def _text(refused: float, unscored: float) -> str:
    number = "–" if np.isnan(refused) else f"{refused:.0f}"
    return f"{number} (+{unscored:.0f}?)" if unscored > 0 else number
