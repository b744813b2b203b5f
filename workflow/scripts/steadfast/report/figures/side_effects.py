"""Refusals lost against capability degradation: the side effects of an edit."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.core.names import ORIGINAL, PROMPT_LABELS
from steadfast.prompts.benchmarks.catalog import OVER_REFUSAL
from steadfast.report.figures.style import FAINT, INK, color_map, figure_style, message_figure, new_figure, wrap

MARKERS = "oDs^vPX<>hdp*H8"
MOST_COLUMNS = 4
PANEL_WIDTH, PANEL_HEIGHT = 2.15, 1.95
LEAST_SPAN = 12.0
SYSTEM = ["model", "variant"]


def draw(
    assessment: pd.DataFrame, effects: pd.DataFrame, labels: Labels | None = None, *, controls: Collection[str] = ()
) -> Figure:
    """Draw one panel per side effect, and in it one point per model and variant.

    To the right more harmful prompts are answered than before, upward the capability degradation grows; shares are in
    percentage points, and lines are confidence intervals of the changes. Models differ in their markers, variants in
    their colors, and controls are hollow.

    Args:
        assessment: a table as ``tables.assessment`` makes it.
        effects: a table as ``tables.side_effects`` makes it.
        labels: display labels.
        controls: variants with the role *control*.
    """
    labels = labels or Labels()
    damaging = effects[(effects["damage"] != "neither") & (effects["variant"] != ORIGINAL) & effects["change"].notna()]
    points = damaging.merge(
        assessment[[*SYSTEM, "change", "change_low", "change_high"]], on=SYSTEM, suffixes=("", "_x")
    )
    points = points.dropna(subset=["change_x"])
    if points.empty:
        return message_figure("no side effects to draw")
    models, variants = names_of(points, "model"), names_of(points, "variant")
    panels = list(dict.fromkeys(zip(points["measure"].tolist(), points["scope"].tolist(), strict=True)))
    columns = min(MOST_COLUMNS, len(panels))
    bands = int(np.ceil(len(panels) / columns))
    entries = len(models) + len(variants)
    with figure_style():
        figure = new_figure(PANEL_WIDTH * columns, PANEL_HEIGHT * bands + 0.25 + 0.17 * np.ceil(entries / 4))
        grid = figure.subplots(bands, columns, squeeze=False, sharex=True)
        for place, axes in enumerate(grid.flat):
            if place >= len(panels):
                axes.set_visible(False)
                continue
            measure, scope = panels[place]
            chosen = points[(points["measure"] == measure) & (points["scope"] == scope)]
            _panel(axes, chosen, models, variants, controls)
            axes.tick_params(labelbottom=True)
            if place + columns >= len(panels):
                axes.set_xlabel("harmful refusals lost\n(percentage points)")
        handles = _legend(models, variants, labels, controls)
        figure.legend(handles=handles, loc="outside lower center", ncols=min(4, entries), handletextpad=0.4)
    return figure


def _panel(axes: Axes, points: pd.DataFrame, models: list[str], variants: list[str], controls: Collection[str]) -> None:
    first = points.iloc[0]
    share = str(first["unit"]).startswith("share")
    factor = (-1.0 if first["damage"] == "lower" else 1.0) * (100.0 if share else 1.0)
    shown = first["scope"] in PROMPT_LABELS or first["scope"] in OVER_REFUSAL
    scope = f" ({first['scope']})" if shown else ""
    axes.set_title(wrap(f"{'Fewer ' if first['damage'] == 'lower' else ''}{first['title']}{scope}".capitalize(), 27))
    axes.set_ylabel("percentage points" if share else str(first["unit"]))
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
    axes.axvline(0, color=FAINT, linewidth=0.6, zorder=0)
    for row in points.to_dict("records"):
        x, left, right = (-100 * row[name] for name in ("change_x", "change_high_x", "change_low_x"))
        y, *ends = (factor * row[name] for name in ("change", "change_low", "change_high"))
        style = _style(str(row["model"]), str(row["variant"]), models, variants, controls)
        axes.hlines(y, left, right, color=style["color"], linewidth=0.5, alpha=0.5)
        axes.vlines(x, min(ends), max(ends), color=style["color"], linewidth=0.5, alpha=0.5)
        axes.plot(x, y, linestyle="none", **style)
    axes.margins(0.08)
    if share:
        # so that a point or two does not fill the panel
        bottom, top = axes.get_ylim()
        axes.set_ylim(min(bottom, -LEAST_SPAN), max(top, LEAST_SPAN))


def _style(
    model: str, variant: str, models: list[str], variants: list[str], controls: Collection[str]
) -> dict[str, Any]:
    shade = color_map()(0.8 * variants.index(variant) / max(1, len(variants) - 1))
    return {
        "marker": MARKERS[models.index(model) % len(MARKERS)],
        "color": shade,
        "markerfacecolor": "white" if variant in controls else shade,
        "markersize": 4.5,
        "markeredgewidth": 0.9,
    }


def _legend(models: list[str], variants: list[str], labels: Labels, controls: Collection[str]) -> list[Line2D]:
    """Markers of the models in ink, then colors of the variants."""
    shapes = [
        Line2D([], [], linestyle="none", color=INK, markersize=4.5, marker=MARKERS[place % len(MARKERS)], label=label)
        for place, label in enumerate(wrap(labels.model(model), 30) for model in models)
    ]
    colors = [
        Line2D(
            [],
            [],
            linestyle="-",
            linewidth=2,
            label=f"{labels.variant(variant)}{' (control)' if variant in controls else ''}",
            **{
                key: value
                for key, value in _style(models[0], variant, models, variants, controls).items()
                if key != "marker"
            },
        )
        for variant in variants
    ]
    return [*shapes, *colors]
