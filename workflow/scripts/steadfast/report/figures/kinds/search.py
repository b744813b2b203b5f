"""Refusals against divergence: the front of each search, with the other attacks of the grid and the controls."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.searched_attacks import divergence_of
from steadfast.core.names import HARMFUL, ORIGINAL
from steadfast.report.figures.heading import add_heading, add_legend, heading_height, legend_height, number_of
from steadfast.report.figures.look import look, narrow, width
from steadfast.report.figures.panels import columns_of
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import (
    FAINT,
    MARKERS,
    QUIET,
    figure_style,
    marker_key,
    message_figure,
    mixed,
    new_figure,
)
from steadfast.report.figures.text_fitting import characters, wrap

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]

MOST_COLUMNS = 3
PANEL_HEIGHT = 2.0
DECADE = 10.0
NOTHING = "no search found an attack"


class Settings(FigureSettings):
    """Refusals against divergence: the front of each search beside the other attacks."""

    reads: ClassVar[tuple[str, ...]] = ("search", "robustness", "side_effects")

    controls: bool = Field(True, description="Whether controls are shown, as hollow gray marks.")


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure, by the reference judge, which the searches go by."""
    left_out = about.swept if settings.controls else (*about.swept, *about.controls)
    return {
        "search": figure(
            data["search"],
            data["robustness"],
            data["side_effects"],
            about.reference,
            about.labels,
            controls=about.controls,
            left_out=left_out,
            confidence=about.confidence,
        )
    }


def figure(
    search: pd.DataFrame,
    robustness: pd.DataFrame,
    effects: pd.DataFrame,
    judge: str,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
    left_out: Collection[str] = (),
    confidence: float = 0.95,
) -> "Figure":
    """Draw one panel per model.

    Small points are finalists on calibration prompts, joined along the front. Large markers are variants on evaluation
    prompts: the chosen trial, joined with itself on the calibration prompts by a dashed line, and the other edits of
    the grid; those of controls are hollow. Lines are confidence intervals.

    Args:
        search: a table from ``tables.searched_attacks``.
        robustness: a table from ``tables.robustness``.
        effects: a table from ``tables.side_effects``.
        judge: whose verdicts on evaluation prompts are shown.
        labels: display labels.
        controls: variants with the role *control*.
        left_out: variants that are not shown, such as those of sweeps.
        confidence: level of the intervals.
    """
    labels = labels or Labels()
    tried = search[(search["trial"] >= 0) & search["rate"].notna()]
    if tried.empty:
        return message_figure(NOTHING)
    models, searched = names_of(tried, "model"), names_of(tried, "variant")
    rates = robustness[(robustness["judge"] == judge) & (robustness["label"] == HARMFUL)]
    rates = rates[~rates["variant"].isin([ORIGINAL, *left_out])]
    pairs = zip(rates["model"], rates["variant"], strict=True)
    rates = rates.assign(divergence=[divergence_of(effects, *pair) for pair in pairs])
    rates = rates[rates["model"].isin(models)].dropna(subset=["rate", "divergence"])
    variants = [*searched, *(name for name in names_of(rates, "variant") if name not in searched)]
    styles = _styles(variants, searched, controls)
    across = columns_of(len(models), 1 if narrow() else MOST_COLUMNS)
    down = -(-len(models) // across)
    title = "Refusals against divergence: searched and other attacks"
    notes = [
        f"judge: {labels.judge(judge)}",
        number_of(rates["total"], "evaluation prompts") if "total" in rates else "",
        number_of(tried["scored"].dropna(), "calibration prompts") if "scored" in tried else "",
        "small: finalists on calibration prompts, joined along their front",
        "dashed: the chosen trial from calibration to evaluation",
        f"lines: {confidence:.0%} confidence intervals",
    ]
    shown = [*tried["divergence"], *tried.get("evaluation_divergence", []), *rates["divergence"]]
    scale = _scale(np.array(shown, dtype=float))
    keys = _keys(variants, searched, styles, labels, controls)
    with figure_style():
        height = PANEL_HEIGHT * down + 0.3
        drawn = new_figure(height + heading_height(title, notes) + legend_height(keys))
        grid = drawn.subplots(down, across, squeeze=False, sharey=True)
        for place, axes in enumerate(grid.flat):
            if place >= len(models):
                axes.set_visible(False)
                continue
            _panel(axes, tried[tried["model"] == models[place]], styles)
            _evaluated(axes, rates[rates["model"] == models[place]], styles)
            axes.set_xscale(**scale)
            # matplotlib writes powers of ten as mathematical text, which the style turns off
            axes.xaxis.set_major_formatter("{x:g}")
            axes.xaxis.set_minor_formatter("")
            axes.set_title(wrap(labels.model(models[place]), characters(width() / across - 0.4)), loc="left")
            if place + across >= len(models):
                axes.set_xlabel("divergence from the original\n(nats per token)")
        for axes in grid[:, 0]:
            axes.set_ylabel("harmful prompts refused (%)")
        add_legend(drawn, keys)
        add_heading(drawn, title, notes)
    return drawn


def _scale(divergences: FloatArray) -> dict[str, Any]:
    """Scale of the axis of the divergence: logarithmic if its values span more than ``DECADE``, linear near 0."""
    found = np.abs(divergences[np.isfinite(divergences) & (divergences != 0)])
    if not len(found) or found.max() <= DECADE * found.min():
        return {"value": "linear"}
    if (divergences[np.isfinite(divergences)] > 0).all():
        return {"value": "log"}
    # an edit that changes nothing has a divergence of 0, which a logarithmic axis cannot hold
    return {"value": "symlog", "linthresh": 10.0 ** np.floor(np.log10(found.min()))}


def _panel(axes: "Axes", tried: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]]) -> None:
    axes.set_ylim(-4, 104)
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
    for variant in names_of(tried, "variant"):
        own = tried[tried["variant"] == variant].sort_values("divergence")
        style = styles[variant]
        low, high = 100 * (own["rate"] - own["rate_low"]), 100 * (own["rate_high"] - own["rate"])
        errors = np.array([low.clip(lower=0), high.clip(lower=0)])
        axes.errorbar(
            own["divergence"], 100 * own["rate"], errors, fmt="none", ecolor=style["color"], elinewidth=0.4, alpha=0.4
        )
        axes.plot(own["divergence"], 100 * own["rate"], **{**style, "markersize": 2.5})
        front = own[own["on_front"]]
        axes.plot(front["divergence"], 100 * front["rate"], color=style["color"], linewidth=0.9)
        for row in own[own["chosen"]].dropna(subset=["evaluation_rate", "evaluation_divergence"]).to_dict("records"):
            ends = [row["divergence"], row["evaluation_divergence"]]
            heights = [100 * row["rate"], 100 * row["evaluation_rate"]]
            axes.plot(ends, heights, color=style["color"], linewidth=0.9, linestyle="--")


def _evaluated(axes: "Axes", rates: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]]) -> None:
    for row in rates.to_dict("records"):
        style = styles[str(row["variant"])]
        low, high = 100 * row["rate_low"], 100 * row["rate_high"]
        axes.vlines(row["divergence"], low, high, color=style["color"], linewidth=0.6, alpha=0.6)
        axes.plot([row["divergence"]], [100 * row["rate"]], **style)


def _styles(variants: Sequence[str], searched: Collection[str], controls: Collection[str]) -> dict[str, dict[str, Any]]:
    """The searched attacks in the edit's color, the other attacks in its light and dark shades, controls gray."""
    own = {
        name: mixed(look().edit, share) for name, share in zip(searched, (0.0, 0.35, -0.35, 0.55, -0.55), strict=False)
    }
    found = {}
    for place, name in enumerate(variants):
        color = look().control if name in controls else own.get(name, mixed(look().original, 0.12 * (place % 4)))
        found[name] = {
            "linestyle": "none",
            "marker": MARKERS[place % len(MARKERS)],
            "color": color,
            "markerfacecolor": "white" if name in controls else color,
            "markersize": 5.5,
            "markeredgewidth": 0.9,
        }
    return found


def _keys(
    variants: Sequence[str],
    searched: Collection[str],
    styles: Mapping[str, Mapping[str, Any]],
    labels: Labels,
    controls: Collection[str],
) -> "list[Artist]":
    """A marker per variant, then what the small points are."""
    entries = []
    for name in variants:
        kind = "control" if name in controls else "search" if name in searched else "other attack"
        style = {**styles[name], "filled": name not in controls}
        entries.append(marker_key(f"{labels.variant(name)} ({kind})", style, 5))
    return [*entries, marker_key("finalist", {"color": QUIET, "marker": "o", "filled": True}, 2.5)]
