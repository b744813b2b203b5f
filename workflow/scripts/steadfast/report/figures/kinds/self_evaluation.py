"""How well models recognize refusals, in their own responses and in another model's."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.self_evaluation import ALL_MODELS
from steadfast.analysis.tables.self_judgments import OTHERS, OWN
from steadfast.report.figures.heading import add_heading, add_legend, heading_height, legend_height
from steadfast.report.figures.look import narrow
from steadfast.report.figures.panels import hide_rest
from steadfast.report.figures.rows import align_ends, finish_rows, interval_dots, name_rows
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import INK, figure_style, marker_key, new_figure, variant_styles
from steadfast.report.figures.text_fitting import most_lines, row_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = {
    "auroc": ("Area under\nthe ROC curve", (0.0, 1.0), 0.5),
    "sensitivity": ("Sensitivity", (0.0, 1.0), None),
    "specificity": ("Specificity", (0.0, 1.0), None),
    "bias": ("Bias toward\n“refusal”", (-1.0, 1.0), 0.0),
    "coverage": ("Coverage", (0.0, 1.0), None),
    "label_probability": ("Probability\nof a label", (0.0, 1.0), None),
}
SHOWN = {OWN: "own responses", OTHERS: "another model's responses"}
SUB_ROW = 0.09
NARROW_COLUMNS = 3
LEAST_SPREAD = 0.02
"""A measure whose values all lie closer together says nothing of the models, and is left out."""


class Settings(FigureSettings):
    """How well models recognize refusals in their own and in another model's responses, one picture per judge."""

    reads: ClassVar[tuple[str, ...]] = ("self_evaluation",)
    folder: ClassVar[str] = "self_evaluation"


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure per judge that is the model under test."""
    del settings
    table, left_out = data["self_evaluation"], [*about.controls, *about.swept]
    return {
        judge: figure(table, judge, about.reference, about.labels, controls=left_out, confidence=about.confidence)
        for judge in about.self_judges
    }


def figure(
    table: pd.DataFrame,
    judge: str,
    reference: str,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
    confidence: float = 0.95,
) -> "Figure":
    """Draw one row per model and one panel per measure; filled marks are own responses, open ones another model's.

    A measure that is the same everywhere, such as a coverage of 1, is reported in the note.

    Args:
        table: a table from ``tables.self_evaluation``.
        judge: the judge that is the model under test.
        reference: judge taken for the truth.
        labels: display labels.
        controls: variants that are left out.
        confidence: level of the intervals.
    """
    labels = labels or Labels()
    table = table[(table["judge"] == judge) & ~table["variant"].isin(list(controls))]
    # a table that was read from its file has NaN for an empty name
    table = table.fillna({"model": ALL_MODELS})
    models, variants = names_of(table, "model"), names_of(table, "variant")
    marked = table[table["metric"].isin(list(PANELS)) & table["value"].notna()]
    known = set(zip(marked["variant"], marked["responses"], strict=True))
    series = [(variant, kind) for variant in variants for kind in SHOWN if (variant, kind) in known]
    styles = variant_styles(variants)
    constant = {metric: _constant(table, metric) for metric in PANELS}
    panels = {metric: panel for metric, panel in PANELS.items() if constant[metric] is None}
    panels = panels or PANELS
    title = f"Self-evaluation: {labels.judge(judge)}"
    everywhere = [
        f"{PANELS[metric][0].replace(chr(10), ' ').lower()} {value:.2f} everywhere"
        for metric, value in constant.items()
        if value is not None and not np.isnan(value)
    ]
    notes = [
        f"judge: {labels.judge(judge)}",
        f"truth: {labels.judge(reference)}",
        f"n ≤ {int(table['n'].max()):,} responses" if "n" in table and table["n"].notna().any() else "",
        f"{confidence:.0%} intervals resample prompts",
        "dashed: chance, or no bias" if any(neutral is not None for _, _, neutral in panels.values()) else "",
        "no mark: undefined" if _lacks_marks(table, list(panels)) else "",
        *everywhere,
    ]
    keys = [
        marker_key(f"{labels.variant(variant)}, {SHOWN[kind]}", {**styles[variant], "filled": kind == OWN})
        for variant, kind in series
    ]
    with figure_style():
        names = row_labels(["mean of the models" if model == ALL_MODELS else labels.model(model) for model in models])
        across = min(len(panels), NARROW_COLUMNS if narrow() else len(PANELS))
        down = -(-len(panels) // across)
        row = max(SUB_ROW * len(series) + 0.1, 0.14 * most_lines(names))
        height = down * (row * len(models) + 0.6)
        drawn = new_figure(height + heading_height(title, notes) + legend_height(keys))
        grid = drawn.subplots(down, across, sharey=True, squeeze=False)
        for axes, (metric, (heading, limits, neutral)) in zip(grid.flat, panels.items(), strict=False):
            _panel(axes, table[table["metric"] == metric], models, series, styles)
            axes.set_title(heading)
            axes.set_xlim(*limits)
            axes.set_xticks([limits[0], sum(limits) / 2, limits[1]])
            axes.xaxis.set_major_formatter("{x:g}")
            align_ends(axes)
            if neutral is not None:
                axes.axvline(neutral, color=INK, linewidth=0.7, linestyle=(0, (3, 2)), zorder=0)
        hide_rest(grid, len(panels))
        name_rows(grid, names)
        add_legend(drawn, keys)
        add_heading(drawn, title, notes)
    return drawn


def _lacks_marks(table: pd.DataFrame, metrics: Sequence[str]) -> bool:
    """Whether a row of a panel has a series without a mark."""
    shown = table[table["metric"].isin(list(metrics)) & table["responses"].isin(list(SHOWN))]
    return bool(shown["value"].isna().any())


def _constant(table: pd.DataFrame, metric: str) -> float | None:
    """The value that a measure has everywhere (NaN if it has none), or None if it varies."""
    shown = (table["metric"] == metric) & table["responses"].isin(list(SHOWN))
    values = table.loc[shown, "value"].dropna()
    if values.empty:
        return float("nan")
    return float(values.mean()) if len(values) > 1 and values.max() - values.min() < LEAST_SPREAD else None


def _panel(
    axes: "Axes",
    table: pd.DataFrame,
    models: Sequence[str],
    series: Sequence[tuple[str, str]],
    styles: Mapping[str, Mapping[str, Any]],
) -> None:
    offsets = (np.arange(len(series)) - (len(series) - 1) / 2) * 0.8 / max(len(series), 2)
    for (variant, kind), offset in zip(series, offsets, strict=True):
        rows = (
            table[(table["variant"] == variant) & (table["responses"] == kind)].set_index("model").reindex(list(models))
        )
        interval_dots(
            axes,
            np.arange(len(models)) + offset,
            rows[["value", "low", "high"]].to_numpy(float),
            color=styles[variant]["color"],
            marker=styles[variant]["marker"],
            filled=kind == OWN,
            label=f"{variant} {kind}",
            size=3.6,
            edge=0.9,
            whisker=0.9,
        )
    finish_rows(axes, len(models))
