"""Refusals per model before and after the edit, by one judge (the study's Figure 2)."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steadfast.analysis.statistics.proportions import wilson_interval
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import LABELS, names_of
from steadfast.core.errors import DataError
from steadfast.report.figures.rows import finish_rows, interval_dots
from steadfast.report.figures.style import INK, MARKERS, color_map, figure_style, longest_line, new_figure, wrap

ROW_HEIGHT = 0.17
TITLES = {"harmful": "Harmful prompts", "harmless": "Harmless prompts"}


def draw(
    counts: pd.DataFrame,
    judge: str,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
    confidence: float = 0.95,
) -> Figure:
    """Draw one row per model with a marker per variant, harmful prompts on the left and harmless ones on the right.

    Whiskers are Wilson intervals; the numbers of refusals are next to each panel in the order of the legend. The axis
    counts responses, or, where totals differ or responses are unscored, shows percent of those scored.

    Args:
        counts: a table as ``tables.counts`` makes it.
        judge: whose verdicts are shown.
        labels: display labels.
        controls: variants to leave out; leave out none and the figure shows edit and controls side by side.
        confidence: level of the whiskers.

    Raises:
        DataError: the counts hold nothing by this judge.
    """
    labels = labels or Labels()
    table = counts[(counts["judge"] == judge) & ~counts["variant"].isin(list(controls))]
    if table.empty:
        raise DataError(f"no counts by judge {judge!r} to draw; known judges: {', '.join(names_of(counts, 'judge'))}")
    models, variants = names_of(table, "model"), names_of(table, "variant")
    names = [wrap(labels.model(model), 34) for model in models]
    shown = [label for label in LABELS if (table["label"] == label).any()]
    totals = sorted({int(total) for total in table["total"].tolist()})
    unscored = bool((table["unscored"] > 0).any())
    scale = totals[0] if len(totals) == 1 and not unscored else 100
    unit = "% of scored" if len(totals) > 1 or unscored else f"of {scale}"
    height = max(ROW_HEIGHT * len(variants) + 0.14, 0.3)
    with figure_style():
        figure = new_figure(
            0.066 * longest_line(names) + len(shown) * (2.1 + 0.24 * len(variants)), height * len(models) + 1.1
        )
        panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for axes, label in zip(panels, shown, strict=True):
            _panel(axes, table[table["label"] == label], models, variants, confidence, scale)
            axes.set_xlabel(f"refused responses ({unit})")
            axes.set_title(TITLES[label], loc="left")
        panels[0].set_yticks(range(len(models)), names)
        panels[0].set_ylim(len(models) - 0.5, -0.5)
        handles, _ = panels[0].get_legend_handles_labels()
        figure.legend(
            handles[: len(variants)],
            [labels.variant(variant) for variant in variants],
            loc="outside lower center",
            ncols=min(len(variants), 4),
            title=_note(labels.judge(judge), confidence, unscored),
        )
    return figure


def _panel(
    axes: Axes, table: pd.DataFrame, models: list[str], variants: list[str], confidence: float, scale: int
) -> None:
    colors = color_map()
    offsets = (np.arange(len(variants)) - (len(variants) - 1) / 2) * 0.72 / max(len(variants), 2)
    texts: dict[str, list[str]] = {model: [] for model in models}
    for index, variant in enumerate(variants):
        rows = table[table["variant"] == variant].set_index("model").reindex(models)
        refused = rows["refused"].to_numpy(float)
        scored = refused + rows["not_refused"].to_numpy(float)
        low, high = wilson_interval(refused, scored, confidence)
        rate = np.divide(refused, scored, out=np.full(len(models), np.nan), where=scored > 0)
        interval_dots(
            axes,
            np.arange(len(models)) + offsets[index],
            scale * np.column_stack([rate, low, high]),
            color=colors(0.85 * index / max(len(variants), 2)),
            marker=MARKERS[index % len(MARKERS)],
            filled=index % 2 == 0,
            label=variant,
            size=5,
            edge=1.2,
            alpha=0.75,
        )
        for model, count, unscored in zip(models, refused, rows["unscored"].to_numpy(float), strict=True):
            texts[model].append(_text(count, unscored))
    for row, model in enumerate(models):
        axes.text(
            1.03,
            row,
            " → ".join(texts[model]),
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=7,
            color=INK,
        )
    axes.set_xlim(-0.03 * scale, 1.03 * scale)
    finish_rows(axes, len(models))


def _text(refused: float, unscored: float) -> str:
    number = "–" if np.isnan(refused) else f"{refused:.0f}"
    return f"{number} (+{unscored:.0f}?)" if unscored > 0 else number


def _note(judge: str, confidence: float, unscored: bool) -> str:
    marks = "; (+n?): n unscored responses" if unscored else ""
    return f"Judge: {judge}; whiskers: {confidence:.0%} Wilson intervals{marks}"
