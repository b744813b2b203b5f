"""Refusals against damage: the front of each search, with the other attacks of the grid and the controls."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.searched_attacks import divergence_of
from steadfast.core.names import HARMFUL, ORIGINAL
from steadfast.report.figures.style import (
    FAINT,
    INK,
    MARKERS,
    color_map,
    figure_style,
    message_figure,
    new_figure,
    wrap,
)

MOST_COLUMNS = 3
PANEL_WIDTH, PANEL_HEIGHT = 2.5, 2.3


def draw(
    search: pd.DataFrame,
    robustness: pd.DataFrame,
    effects: pd.DataFrame,
    judge: str,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
    left_out: Collection[str] = (),
) -> Figure:
    """Draw one panel per model.

    Small points are finalists on calibration prompts, joined along the front. Large markers are variants on evaluation
    prompts: the chosen trial, joined with itself on the calibration prompts by a dashed line, and the other edits of
    the grid; those of controls are hollow. Lines are confidence intervals.

    Args:
        search: a table as ``tables.searched_attacks`` makes it.
        robustness: a table as ``tables.robustness`` makes it.
        effects: a table as ``tables.side_effects`` makes it.
        judge: whose verdicts on evaluation prompts are shown.
        labels: display labels.
        controls: variants with the role *control*.
        left_out: variants that are not shown, such as those of sweeps.
    """
    labels = labels or Labels()
    tried = search[(search["trial"] >= 0) & search["rate"].notna()]
    if tried.empty:
        return message_figure("no search found an attack")
    models, searched = names_of(tried, "model"), names_of(tried, "variant")
    rates = robustness[(robustness["judge"] == judge) & (robustness["label"] == HARMFUL)]
    rates = rates[~rates["variant"].isin([ORIGINAL, *left_out])]
    pairs = zip(rates["model"], rates["variant"], strict=True)
    rates = rates.assign(divergence=[divergence_of(effects, *pair) for pair in pairs])
    rates = rates[rates["model"].isin(models)].dropna(subset=["rate", "divergence"])
    variants = [*searched, *(name for name in names_of(rates, "variant") if name not in searched)]
    columns = min(MOST_COLUMNS, len(models))
    bands = int(np.ceil(len(models) / columns))
    with figure_style():
        figure = new_figure(PANEL_WIDTH * columns + 0.2, PANEL_HEIGHT * bands + 0.3 + 0.17 * len(variants))
        grid = figure.subplots(bands, columns, squeeze=False, sharey=True)
        for place, axes in enumerate(grid.flat):
            if place >= len(models):
                axes.set_visible(False)
                continue
            _panel(axes, tried[tried["model"] == models[place]], variants, controls)
            _evaluated(axes, rates[rates["model"] == models[place]], variants, controls)
            axes.set_title(wrap(labels.model(models[place]), 30))
            axes.set_xlabel("divergence from the original\n(nats per token)")
        for axes in grid[:, 0]:
            axes.set_ylabel("harmful prompts refused (%)")
        figure.legend(handles=_legend(variants, searched, labels, controls), loc="outside lower center", ncols=1)
    return figure


def _panel(axes: Axes, tried: pd.DataFrame, variants: list[str], controls: Collection[str]) -> None:
    axes.set_ylim(-4, 104)
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
    for variant in names_of(tried, "variant"):
        own = tried[tried["variant"] == variant].sort_values("divergence")
        style = _style(variant, variants, controls)
        low, high = 100 * (own["rate"] - own["rate_low"]), 100 * (own["rate_high"] - own["rate"])
        errors = np.array([low.clip(lower=0), high.clip(lower=0)])
        axes.errorbar(
            own["divergence"], 100 * own["rate"], errors, fmt="none", ecolor=style["color"], elinewidth=0.4, alpha=0.5
        )
        axes.plot(own["divergence"], 100 * own["rate"], **{**style, "markersize": 2.5})
        front = own[own["on_front"]]
        axes.plot(front["divergence"], 100 * front["rate"], color=style["color"], linewidth=0.8)
        for row in own[own["chosen"]].dropna(subset=["evaluation_rate", "evaluation_divergence"]).to_dict("records"):
            ends = [row["divergence"], row["evaluation_divergence"]]
            heights = [100 * row["rate"], 100 * row["evaluation_rate"]]
            axes.plot(ends, heights, color=style["color"], linewidth=0.8, linestyle="--")


def _evaluated(axes: Axes, rates: pd.DataFrame, variants: list[str], controls: Collection[str]) -> None:
    for row in rates.to_dict("records"):
        style = _style(str(row["variant"]), variants, controls)
        low, high = 100 * row["rate_low"], 100 * row["rate_high"]
        axes.vlines(row["divergence"], low, high, color=style["color"], linewidth=0.6, alpha=0.6)
        axes.plot([row["divergence"]], [100 * row["rate"]], **style)


def _style(variant: str, variants: list[str], controls: Collection[str]) -> dict[str, Any]:
    place = variants.index(variant)
    shade = color_map()(0.8 * place / max(1, len(variants) - 1))
    return {
        "linestyle": "none",
        "marker": MARKERS[place % len(MARKERS)],
        "color": shade,
        "markerfacecolor": "white" if variant in controls else shade,
        "markersize": 5.5,
        "markeredgewidth": 0.9,
    }


def _legend(variants: list[str], searched: Collection[str], labels: Labels, controls: Collection[str]) -> list[Line2D]:
    """A marker per variant, then what the small points are."""
    kinds = {True: "search", False: "other edit"}
    entries = []
    for name in variants:
        kind = ", ".join([kinds[name in searched], *(["control"] if name in controls else [])])
        style: dict[str, Any] = _style(name, variants, controls)
        entries.append(Line2D([], [], label=f"{labels.variant(name)} ({kind})", **style))
    small: dict[str, Any] = {"marker": "o", "markersize": 2.5, "color": INK, "linewidth": 0.8}
    return [*entries, Line2D([], [], label="finalists on calibration prompts, and their front", **small)]
