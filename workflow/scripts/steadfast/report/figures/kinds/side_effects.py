"""Refusals lost against capability degradation: the side effects of an edit."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
from pydantic import Field

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.core.names import ORIGINAL, PROMPT_LABELS
from steadfast.prompts.benchmarks.catalog import OVER_REFUSAL
from steadfast.report.figures.heading import add_heading, add_legend, heading_height, legend_height, number_of
from steadfast.report.figures.look import narrow, width
from steadfast.report.figures.panels import columns_of
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import (
    FAINT,
    INK,
    figure_style,
    marker_key,
    message_figure,
    new_figure,
    patch_key,
    variant_styles,
)
from steadfast.report.figures.text_fitting import characters, wrap

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "oDs^vPX<>hdp*H8"
MOST_COLUMNS = 4
PANEL_HEIGHT = 1.55
LEAST_SPAN = 12.0
PAIR = ["model", "variant"]
NOTHING = "no side effects to draw"


class Settings(FigureSettings):
    """Harmful refusals lost against each side effect, one point per model and variant."""

    reads: ClassVar[tuple[str, ...]] = ("assessment", "side_effects")

    controls: bool = Field(True, description="Whether controls are shown, as hollow gray marks.")


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure."""
    assessment = data["assessment"]
    if not settings.controls:
        assessment = assessment[~assessment["variant"].isin(list(about.controls))]
    drawn = figure(
        assessment,
        data["side_effects"],
        about.labels,
        controls=about.controls,
        judge=about.judge,
        confidence=about.confidence,
    )
    return {"side_effects": drawn}


def figure(
    assessment: pd.DataFrame,
    effects: pd.DataFrame,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
    judge: str = "",
    confidence: float = 0.95,
) -> "Figure":
    """Draw one panel per side effect, and in it one point per model and variant.

    To the right more harmful prompts are answered than before, upward the capability degradation grows; shares are in
    percentage points, and lines are confidence intervals of the changes. Models differ in their markers, variants in
    their colors, and controls are hollow. A side effect that nothing has is left out.

    Args:
        assessment: a table from ``tables.assessment``.
        effects: a table from ``tables.side_effects``.
        labels: display labels.
        controls: variants with the role *control*.
        judge: whose verdicts the refusals are.
        confidence: level of the intervals.
    """
    labels = labels or Labels()
    judged = effects[(effects["worse"] != "neither") & (effects["variant"] != ORIGINAL) & effects["change"].notna()]
    points = judged.merge(assessment[[*PAIR, "change", "change_low", "change_high"]], on=PAIR, suffixes=("", "_x"))
    points = points.dropna(subset=["change_x"])
    measured = points.groupby(["measure", "scope"], sort=False)
    moved = {name for name, rows in measured if (rows["change"] != 0).any()}
    panels = [pair for pair in dict.fromkeys(zip(points["measure"], points["scope"], strict=True)) if pair in moved]
    if not panels:
        return message_figure(NOTHING)
    points = points[[pair in moved for pair in zip(points["measure"], points["scope"], strict=True)]]
    models, variants = names_of(points, "model"), names_of(points, "variant")
    styles = variant_styles(variants, controls)
    across = columns_of(len(panels), 2 if narrow() else MOST_COLUMNS)
    down = -(-len(panels) // across)
    title = "Side effects of the edit"
    notes = [
        "each point is a model",
        f"refusals by {labels.judge(judge)}" if judge else "",
        f"lines: {confidence:.0%} confidence intervals of the changes",
        "hollow: controls" if set(controls) & set(variants) else "",
    ]
    with figure_style():
        keys = _keys(models, variants, styles, labels)
        headings = [_heading(points, pair, width() / across) for pair in panels]
        lines = max(heading.count("\n") for heading in headings)
        height = (PANEL_HEIGHT + 0.14 * lines) * down + 0.28
        drawn = new_figure(height + heading_height(title, notes) + legend_height(keys))
        grid = drawn.subplots(down, across, squeeze=False, sharex=True)
        for place, axes in enumerate(grid.flat):
            if place >= len(panels):
                axes.set_visible(False)
                continue
            measure, scope = panels[place]
            chosen = points[(points["measure"] == measure) & (points["scope"] == scope)]
            _panel(axes, chosen, models, styles)
            axes.set_title(headings[place])
            axes.tick_params(labelbottom=True)
            if place + across >= len(panels):
                axes.set_xlabel("harmful refusals lost\n(percentage points)")
        add_legend(drawn, keys)
        add_heading(drawn, title, notes)
    return drawn


def _heading(points: pd.DataFrame, pair: tuple[str, str], room: float) -> str:
    own = (points["measure"] == pair[0]) & (points["scope"] == pair[1])
    first = points[own].iloc[0]
    shown = first["scope"] in PROMPT_LABELS or first["scope"] in OVER_REFUSAL
    scope = f" ({first['scope']})" if shown else ""
    text = f"{'Fewer ' if first['worse'] == 'lower' else ''}{first['title']}{scope}"
    size = number_of(points.loc[own, "items"], "").strip() if "items" in points else ""
    # on a line of its own, so that all panels of a row have it in the same place
    return "\n".join(filter(None, [wrap(text[0].upper() + text[1:], characters((room - 0.5) / 1.12)), size]))


def _panel(axes: "Axes", points: pd.DataFrame, models: Sequence[str], styles: Mapping[str, Mapping[str, Any]]) -> None:
    first = points.iloc[0]
    share = str(first["unit"]).startswith("share")
    factor = (-1.0 if first["worse"] == "lower" else 1.0) * (100.0 if share else 1.0)
    axes.set_ylabel("percentage points" if share else str(first["unit"]))
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
    axes.axvline(0, color=FAINT, linewidth=0.6, zorder=0)
    for row in points.to_dict("records"):
        x, left, right = (-100 * row[name] for name in ("change_x", "change_high_x", "change_low_x"))
        y, *ends = (factor * row[name] for name in ("change", "change_low", "change_high"))
        style = styles[str(row["variant"])]
        front = 3 if style["filled"] else 2
        axes.hlines(y, left, right, color=style["color"], linewidth=0.6, alpha=0.35, zorder=front - 1)
        axes.vlines(x, min(ends), max(ends), color=style["color"], linewidth=0.6, alpha=0.35, zorder=front - 1)
        axes.plot(
            x,
            y,
            linestyle="none",
            marker=MARKERS[models.index(str(row["model"])) % len(MARKERS)],
            color=style["color"],
            markerfacecolor=style["color"] if style["filled"] else "white",
            markersize=4.2,
            markeredgewidth=0.8,
            zorder=front,
        )
    axes.margins(0.08)
    if share:
        # so that a point or two does not fill the panel
        bottom, top = axes.get_ylim()
        axes.set_ylim(min(bottom, -LEAST_SPAN), max(top, LEAST_SPAN))


def _keys(
    models: Sequence[str],
    variants: Sequence[str],
    styles: Mapping[str, Mapping[str, Any]],
    labels: Labels,
) -> "list[Artist]":
    """Markers of the models in ink, then colors of the variants."""
    shapes = [
        marker_key(
            wrap(labels.model(model), 30),
            {"color": INK, "marker": MARKERS[place % len(MARKERS)], "filled": True},
        )
        for place, model in enumerate(models)
    ]
    colors = [
        patch_key(
            labels.variant(variant),
            facecolor=styles[variant]["color"] if styles[variant]["filled"] else "white",
            edgecolor=styles[variant]["color"],
            linewidth=1.0,
        )
        for variant in variants
    ]
    return [*shapes, *colors]
