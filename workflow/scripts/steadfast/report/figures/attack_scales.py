"""Refusal rate against the scale of attacks, with intervals, and what else the attacks do below it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from steadfast.analysis.tables.degradation import CRITERIA
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.core.files import require_columns
from steadfast.report.figures.style import FAINT, INK, color_map, figure_style, message_figure, new_figure, wrap

MARKERS = "oDs^vPX<>h"
DASHES = ("-", "--", ":", "-.")
COLUMNS = ["direction", "change", "control", "scale", "rate", "rate_low", "rate_high"]
PANEL_WIDTH, PANEL_HEIGHT = 2.1, 1.9
MOST_COLUMNS = 6
CONTROLS = "controls"
FILLED = "filled: the smallest scale that halves the refusals"
# what is drawn below the rate, where the table has it: the axis, and the columns of an interval if there is one
FURTHER = {
    "harmless_rate": ("harmless refused", ("harmless_low", "harmless_high")),
    **{criterion.column: (criterion.axis, None) for criterion in CRITERIA.values() if criterion.axis},
}


def scale_figures(table: pd.DataFrame, labels: Labels | None = None) -> dict[str, Figure]:
    """One figure per model, and one of all models together, by file name without suffix.

    Args:
        table: a table as ``tables.scales`` makes it.
        labels: display labels.
    """
    labels = labels or Labels()
    return {
        model.replace(" ", "_"): draw(table[table["model"] == model], labels.model(model).capitalize())
        for model in names_of(table, "model")
    }


def draw(table: pd.DataFrame, name: str = "") -> Figure:
    """Draw one column of panels per direction and one line per edit or hook.

    The smallest scale of each line that halves the refusals is filled in; half of the original's rate is a faint
    line. Controls are drawn in gray in every column.

    Args:
        table: the rows of one model of a table as ``tables.scales`` makes it.
        name: what the model is called.

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
    quantities = ["rate", *(column for column in FURTHER if column in table and table[column].notna().any())]
    width = min(MOST_COLUMNS, len(directions))
    bands = -(-len(directions) // width)
    with figure_style():
        height = PANEL_HEIGHT * bands * len(quantities) + 0.6 + 0.1 * len(changes)
        figure = new_figure(PANEL_WIDTH * width + 0.7, height)
        panels = figure.subplots(bands * len(quantities), width, squeeze=False, sharex=True)
        for place in range(bands * width):
            band, column = divmod(place, width)
            used = panels[band * len(quantities) : (band + 1) * len(quantities), column]
            if place >= len(directions):
                for axes in used:
                    axes.set_visible(False)
                continue
            rows = aimed[aimed["direction"] == directions[place]]
            used[0].set_title(wrap(directions[place], 24))
            for axes, quantity in zip(used, quantities, strict=True):
                _lines(axes, rows, controls, quantity, changes)
                _frame(axes, table, quantity, labeled=column == 0)
            used[-1].xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
            used[-1].set_xlabel("scale")
            used[-1].tick_params(labelbottom=True)
        handles = {label: handle for axes in panels.flat for handle, label in zip(*_legend(axes), strict=True)}
        shown = [label for label in [*changes, CONTROLS] if label in handles]
        figure.legend(
            [handles[label] for label in shown],
            shown,
            loc="outside lower center",
            ncols=min(4, len(shown)),
            title=FILLED,
        )
        if name:
            figure.suptitle(name, fontsize=9, fontweight="bold")
    return figure


def _lines(axes: Axes, rows: pd.DataFrame, controls: pd.DataFrame, quantity: str, changes: Sequence[str]) -> None:
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


def _frame(axes: Axes, table: pd.DataFrame, quantity: str, *, labeled: bool) -> None:
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
    if labeled:
        axes.set_ylabel(title)
    else:
        axes.tick_params(labelleft=False)


def _legend(axes: Axes) -> tuple[list[Any], list[str]]:
    handles, labels = axes.get_legend_handles_labels()
    return list(handles), list(labels)


def _style(number: int, count: int) -> dict[str, Any]:
    shade = color_map()(0.88 * number / max(1, count - 1))
    return {
        "color": shade,
        "linestyle": DASHES[number % len(DASHES)],
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 3.8,
        "markerfacecolor": "white",
        "linewidth": 1.0,
    }
