"""Panels of rows: dots with their intervals, one line per model, judge or group."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steadfast.report.figures.style import FAINT

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def interval_dots(
    axes: "Axes",
    heights: ArrayLike,
    intervals: NDArray[np.float64],
    *,
    color: Any,
    marker: str,
    filled: bool,
    label: str,
    size: float = 4.0,
    edge: float = 1.1,
    whisker: float = 1.1,
    alpha: float | None = None,
    zorder: float = 3.0,
    below: float = 0.0,
) -> None:
    """Draw one series: a mark per row on a whisker; what is NaN is not drawn.

    Args:
        axes: the panel.
        heights: place of each mark on the vertical axis.
        intervals: place of each mark on the horizontal axis, and the ends of its whisker [rows, 3].
        color: of marks and whiskers.
        marker: matplotlib's name of the mark.
        filled: whether marks are filled, so that series differ without color.
        label: name of the series for the legend.
        size: of the marks, in points.
        edge: width of the marks' outlines, in points.
        whisker: width of the whiskers, in points.
        alpha: opacity of the whiskers.
        zorder: of the marks.
        below: how far the whiskers are below the marks, on the vertical axis.
    """
    values, low, high = intervals.T
    axes.hlines(np.asarray(heights) + below, low, high, color=color, linewidth=whisker, alpha=alpha)
    axes.plot(
        values,
        heights,
        linestyle="none",
        marker=marker,
        markersize=size,
        markerfacecolor=color if filled else "white",
        markeredgecolor=color,
        markeredgewidth=edge,
        label=label,
        clip_on=False,
        zorder=zorder,
    )


def align_ends(axes: "Axes") -> None:
    """Align the first and the last number of the horizontal axis inward, so that those of neighbors stay apart."""
    labels = axes.get_xticklabels()
    labels[0].set_horizontalalignment("left")
    labels[-1].set_horizontalalignment("right")


def finish_rows(axes: "Axes", count: int) -> None:
    """Draw the lines between ``count`` rows and a faint grid, and take away what rows do not need."""
    for row in range(1, count):
        axes.axhline(row - 0.5, color=FAINT, linewidth=0.4)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=FAINT, linewidth=0.4, alpha=0.6)
    axes.set_axisbelow(True)


def name_rows(panels: "NDArray[np.object_]", names: Sequence[str]) -> None:
    """Name the rows that all panels share beside their first column, the first name on top.

    Args:
        panels: axes, shape [down, across].
        names: one name per row.
    """
    for axes in panels[:, 0]:
        axes.set_yticks(range(len(names)), names)
    panels[0, 0].set_ylim(len(names) - 0.5, -0.5)
