"""How far harmful and harmless prompts separate along the depth of models."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from steadfast.report.figures.heading import add_heading, add_legend, heading_height, legend_height, number_of
from steadfast.report.figures.look import narrow, width
from steadfast.report.figures.style import (
    FAINT,
    MARKERS,
    figure_style,
    marker_key,
    message_figure,
    new_figure,
    series_color,
)
from steadfast.report.figures.text_fitting import characters, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FINAL_NORM = "final_norm"
MOST_MARKERS = 8
LEAST_DEEP = 6
ALONG_DEPTH = {
    "separation": ("Separation d′ along the direction", 0.0),
    "accuracy": ("Accuracy along the direction", 0.5),
    "probe_accuracy": ("Accuracy of a linear probe", 0.5),
}
"""Columns of a grid that are drawn along the depth, with their titles and what chance would give."""


def draw_separation(
    grids: Mapping[str, pd.DataFrame], name: str = "", prompts: Mapping[str, Sequence[int]] | None = None
) -> "Figure":
    """Draw held-out separation and accuracy along the depth, and the accuracy of a probe, one line per grid.

    Of several positions each line shows that of the selected place, or the last one. The state after the final
    norm is separate at the right end; the selected place is marked by a filled, larger marker.

    Args:
        grids: selection grids by the name of the model or variant.
        name: what the figure is about, such as the variant.
        prompts: numbers of held-out prompts by label, one per grid.
    """
    if not grids:
        return message_figure("No selection grid to draw")
    title = f"Where the prompts separate{f': {name}' if name else ''}"
    numbers = [number_of(found, label) for label, found in (prompts or {}).items()]
    held_out = ", ".join(number.removeprefix("n = ") for number in numbers if number)
    notes = [
        f"held-out prompts{f' (n = {held_out})' if held_out else ''}",
        "filled: selected block",
        "gray line: chance",
        "norm: after the final norm",
    ]
    keys = [
        marker_key(model, {"color": series_color(place), "marker": MARKERS[place % len(MARKERS)], "filled": False})
        for place, model in enumerate(grids)
    ]
    with figure_style():
        down = len(ALONG_DEPTH) if narrow() else 1
        figure = new_figure(down * 1.7 + 0.3 + heading_height(title, notes) + legend_height(keys))
        panels = figure.subplots(down, len(ALONG_DEPTH) // down, squeeze=False, sharex=True).ravel()
        deepest = max(_depth(grid) for grid in grids.values())
        for number, (model, grid) in enumerate(grids.items()):
            style = {"color": series_color(number), "marker": MARKERS[number % len(MARKERS)]}
            for axes, column in zip(panels, ALONG_DEPTH, strict=True):
                _line(axes, at_one_position(grid), column, deepest, wrap(model, 34), style)
        room = characters(width() * down / len(ALONG_DEPTH) - 0.45)
        for axes, (heading, chance) in zip(panels, ALONG_DEPTH.values(), strict=True):
            axes.axhline(chance, color=FAINT, linewidth=0.8, zorder=0)
            axes.set_title(wrap(heading, room))
            ticks = sorted({int(tick) for tick in np.linspace(0, deepest - 1, min(deepest, 6))})
            # next to the norm's label there is no room for that of the last block
            ticks = ticks[:-1] if deepest > LEAST_DEEP else ticks
            axes.set_xticks([*ticks, norm_place(deepest)], [*map(str, ticks), "norm"])
        for axes in panels[-1:] if narrow() else panels:
            axes.set_xlabel("block")
        # the marker of a selected place is large and lies at the highest value
        panels[0].margins(y=0.12)
        for axes in panels[1:]:
            axes.set_ylim(top=1.0)
            axes.yaxis.set_major_formatter(lambda value, _place: f"{100 * value:.0f}%")
        add_legend(figure, keys)
        add_heading(figure, title, notes)
    return figure


def at_one_position(grid: pd.DataFrame) -> pd.DataFrame:
    """The rows of the selected place's position, or of the last position."""
    selected = grid.loc[grid["selected"], "position"]
    position = selected.iloc[0] if len(selected) else grid["position"].max()
    rows: pd.DataFrame = grid[grid["position"] == position]
    return rows


def norm_place(depth: int) -> float:
    """Position of the state after the final norm on an axis of blocks: separate from any number of blocks."""
    return depth - 1 + max(1.0, depth / 8)


def _depth(grid: pd.DataFrame) -> int:
    return int((grid["layer"] != FINAL_NORM).sum() / grid["position"].nunique())


def _line(axes: "Axes", grid: pd.DataFrame, column: str, deepest: int, label: str, style: Mapping[str, Any]) -> None:
    blocks = grid[grid["layer"] != FINAL_NORM]
    places = blocks["layer"].astype(int).to_numpy()
    values = blocks[column].to_numpy(float)
    color, marker = style["color"], str(style["marker"])
    common: dict[str, Any] = {"color": color, "marker": marker, "markersize": 3.6, "markerfacecolor": "white"}
    axes.plot(places, values, linewidth=1.0, label=label, markevery=max(1, len(places) // MOST_MARKERS), **common)
    norm = grid.loc[grid["layer"] == FINAL_NORM, column].to_numpy(float)
    axes.plot([norm_place(deepest)] * len(norm), norm, linestyle="none", **common)
    chosen = grid[grid["selected"]]
    where = [norm_place(deepest) if layer == FINAL_NORM else int(layer) for layer in chosen["layer"]]
    axes.plot(where, chosen[column].to_numpy(float), linestyle="none", marker=marker, markersize=7, color=color)
