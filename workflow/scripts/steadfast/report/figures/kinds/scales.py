"""Refusal rate against the scale of attacks, with intervals, and what else the attacks do below it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.degradation import CRITERIA
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.core.files import require_columns
from steadfast.report.figures.heading import add_heading, add_legend, heading_height, legend_height, number_of
from steadfast.report.figures.look import look, narrow, width
from steadfast.report.figures.panels import columns_of
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import FAINT, INK, MARKERS, figure_style, message_figure, mixed, new_figure
from steadfast.report.figures.text_fitting import characters, wrap

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES = ("-", "--", ":", "-.")
COLUMNS = ["direction", "change", "control", "scale", "rate", "rate_low", "rate_high"]
PANEL_HEIGHT = 1.35
MOST_COLUMNS = 4
CONTROLS = "controls"
# what is drawn below the rate, where the table has it: the axis, and the columns of an interval if there is one
FURTHER = {
    "harmless_rate": ("harmless refused", ("harmless_low", "harmless_high")),
    **{criterion.column: (criterion.axis, None) for criterion in CRITERIA.values() if criterion.axis},
}


class Settings(FigureSettings):
    """Refusal rates and side effects by the scale of the attacks, one picture per model and one of all together."""

    reads: ClassVar[tuple[str, ...]] = ("scales",)
    folder: ClassVar[str] = "scales"


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure per model, and one of all models together."""
    del settings
    return figures(data["scales"], about.labels, judge=about.judge, confidence=about.confidence)


def figures(
    table: pd.DataFrame, labels: Labels | None = None, *, judge: str = "", confidence: float = 0.95
) -> "dict[str, Figure]":
    """One figure per model, and one of all models together, by file name without suffix.

    Args:
        table: a table from ``tables.scales``.
        labels: display labels.
        judge: whose verdicts the rates are.
        confidence: level of the intervals.
    """
    labels = labels or Labels()
    by = f"judge: {labels.judge(judge)}" if judge else ""
    return {
        model.replace(" ", "_"): figure(
            table[table["model"] == model], labels.model(model), by=by, confidence=confidence
        )
        for model in names_of(table, "model")
    }


def figure(table: pd.DataFrame, name: str = "", *, by: str = "", confidence: float = 0.95) -> "Figure":
    """Draw one column of panels per direction and one line per edit or intervention.

    The smallest scale of each line that halves the refusals is filled in; half of the original's rate is a faint line.
    Controls are drawn in gray in every column.

    Args:
        table: the rows of one model of a table from ``tables.scales``.
        name: what the model is called.
        by: the judge, in words.
        confidence: level of the intervals.

    Raises:
        DataError: ``table`` lacks a column.
    """
    require_columns(table, COLUMNS, "attack scales")
    control = table["control"].astype(bool)
    aimed, controls = table[~control], table[control]
    directions = list(dict.fromkeys(aimed["direction"]))
    if not directions:
        return message_figure("No attacks to draw")
    changes = list(dict.fromkeys(aimed["change"]))
    quantities = ["rate", *(column for column in FURTHER if column in table and _moves(table[column]))]
    across = columns_of(len(directions), 2 if narrow() else MOST_COLUMNS)
    bands = -(-len(directions) // across)
    title = f"Refusals by scale of the attack{f': {name}' if name else ''}"
    notes = [
        by,
        number_of(table["total"].dropna(), "responses per rate") if "total" in table else "",
        f"whiskers: {confidence:.0%} intervals",
        "filled: the smallest scale that halves the refusals" if _marks_least(aimed) else "",
        "dotted: half of the original's rate",
        "gray: controls" if len(controls) else "",
    ]
    keys = _keys(changes, bool(len(controls)))
    with figure_style():
        headings = [wrap(direction, characters(width() / across - 0.4)) for direction in directions]
        extra = 0.13 * max(heading.count("\n") for heading in headings)
        height = bands * (PANEL_HEIGHT * len(quantities) + 0.3 + extra)
        drawn = new_figure(height + 0.2 + heading_height(title, notes) + legend_height(keys))
        panels = drawn.subplots(bands * len(quantities), across, squeeze=False, sharex=True)
        for place in range(bands * across):
            band, column = divmod(place, across)
            used = panels[band * len(quantities) : (band + 1) * len(quantities), column]
            if place >= len(directions):
                for axes in used:
                    axes.set_visible(False)
                continue
            rows = aimed[aimed["direction"] == directions[place]]
            used[0].set_title(headings[place])
            for axes, quantity in zip(used, quantities, strict=True):
                _lines(axes, rows, controls, quantity, changes)
                _frame(axes, table, quantity, labeled=column == 0)
            used[-1].locator_params(axis="x", nbins=4)
            used[-1].set_xlabel("scale")
            used[-1].tick_params(labelbottom=True)
        add_legend(drawn, keys)
        add_heading(drawn, title, notes)
    return drawn


def _moves(values: "pd.Series[float]") -> bool:
    """Whether a side effect is there at all, and not 0 throughout."""
    return bool((values.dropna() != 0).any())


def _marks_least(table: pd.DataFrame) -> bool:
    return "least_scale" in table and bool(table["least_scale"].astype(bool).any())


def _keys(changes: Sequence[str], controlled: bool) -> "list[Artist]":
    from matplotlib.lines import Line2D

    keys = [Line2D([], [], label=change, **_style(place, len(changes))) for place, change in enumerate(changes)]
    gray = Line2D([], [], label=CONTROLS, color=FAINT, linewidth=0.8, marker=".", markersize=3)
    return [*keys, *([gray] if controlled else [])]


def _lines(axes: "Axes", rows: pd.DataFrame, controls: pd.DataFrame, quantity: str, changes: Sequence[str]) -> None:
    """Lines with whiskers, a little apart so that whiskers at one scale can be distinguished from each other."""
    for _, line in controls.groupby(["direction", "change"], sort=False):
        style: dict[str, Any] = {
            "color": FAINT,
            "linewidth": 0.8,
            "marker": ".",
            "markersize": 3,
            "zorder": 1,
            "label": CONTROLS,
        }
        axes.plot(line["scale"].to_numpy(float), line[quantity].to_numpy(float), **style)
    for change in (change for change in changes if change in set(rows["change"])):
        line = rows[rows["change"] == change]
        places = _apart(line, rows)
        values = line[quantity].to_numpy(float)
        style = _style(changes.index(change), len(changes))
        whiskers = _whiskers(line, quantity)
        axes.errorbar(places, values, yerr=whiskers, label=change, elinewidth=0.6, capsize=1.5, **style)
        if quantity == "rate" and "least_scale" in line:
            chosen = line["least_scale"].to_numpy(bool)
            axes.plot(
                places[chosen],
                values[chosen],
                **{**style, "markerfacecolor": style["color"], "linestyle": "none", "zorder": 4},
            )


def _apart(line: pd.DataFrame, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Places of a line's scales on the axis: beside those of the other lines, where there are others."""
    step = 0.015 * max(float(rows["scale"].max()), 1e-9)
    places = []
    for scale in line["scale"]:
        # all lines begin with the original
        there = list(dict.fromkeys(rows.loc[rows["scale"] == scale, "change"])) if scale > 0 else []
        rank = there.index(line["change"].iloc[0]) - (len(there) - 1) / 2 if there else 0.0
        places.append(float(scale) + step * rank)
    return np.array(places)


def _whiskers(line: pd.DataFrame, quantity: str) -> Any:
    bounds = ("rate_low", "rate_high") if quantity == "rate" else FURTHER[quantity][1]
    if bounds is None:
        return None
    values = line[quantity].to_numpy(float)
    low, high = (line[bound].to_numpy(float) for bound in bounds)
    return np.abs(np.stack([values - low, high - values]))


def _frame(axes: "Axes", table: pd.DataFrame, quantity: str, *, labeled: bool) -> None:
    title = "harmful refused" if quantity == "rate" else FURTHER[quantity][0]
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
    if quantity == "rate":
        axes.set_ylim(-0.03, 1.03)
    else:
        bounds = FURTHER[quantity][1]
        top = float(table[bounds[1] if bounds else quantity].max())
        top = max(top, 0.2) if quantity == "harmless_rate" else top or 1.0
        axes.set_ylim(-0.03 * top, 1.05 * top)
    if quantity == "rate":
        before = table.loc[table["scale"] == 0, "rate"]
        axes.axhline(float(before.iloc[0]) / 2, color=INK, linewidth=0.5, linestyle=(0, (1, 3)), zorder=0)
    if quantity in ("rate", "harmless_rate"):
        axes.yaxis.set_major_formatter(lambda value, _place: f"{100 * value:g}%")
    if labeled:
        axes.set_ylabel(title)
    else:
        axes.tick_params(labelleft=False)


def _style(number: int, count: int) -> dict[str, Any]:
    # from dark over the edit's color to light
    shade = mixed(look().edit, -0.5 + 0.95 * number / max(1, count - 1) if count > 1 else 0.0)
    return {
        "color": shade,
        "linestyle": DASHES[number % len(DASHES)],
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 3.8,
        "markerfacecolor": "white",
        "linewidth": 1.0,
    }
