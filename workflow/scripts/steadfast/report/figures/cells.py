"""A table of colored cells with a number in each: what the heat maps are made of."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from steadfast.report.figures.style import FAINT, INK, MISSING_COLOR, bare, color_map, ink_on

FloatArray = NDArray[np.float64]

CELL_WIDTH = 0.46
CELL_HEIGHT = 0.25


def draw_cells(
    axes: Axes,
    values: FloatArray,
    texts: Sequence[Sequence[str]],
    limits: tuple[float, float],
    hatched: NDArray[np.bool_] | None = None,
    hidden: NDArray[np.bool_] | None = None,
) -> ScalarMappable:
    """Draw one cell per value, with its text in a readable color.

    Args:
        axes: where to draw; the first row is at the top.
        values: shape [rows, columns]; NaN draws an empty, hatched cell.
        texts: text in each cell.
        limits: values at the two ends of the color map.
        hatched: cells to hatch in addition to those without a value, shape [rows, columns].
        hidden: cells to leave out altogether, shape [rows, columns].

    Returns:
        What a color bar needs.
    """
    colors = color_map()
    norm = Normalize(*limits)
    rows, columns = values.shape
    marked = np.isnan(values) | (np.zeros(values.shape, bool) if hatched is None else hatched)
    skipped = np.zeros(values.shape, bool) if hidden is None else hidden
    for row, column in np.argwhere(~skipped):
        value = values[row, column]
        missing = bool(np.isnan(value))
        fraction = 0.0 if missing else float(norm(value))
        ink = INK if missing else ink_on(colors, fraction)
        axes.add_patch(
            Rectangle(
                (column - 0.5, row - 0.5),
                1.0,
                1.0,
                facecolor=MISSING_COLOR if missing else colors(fraction),
                edgecolor="white",
                linewidth=0.8,
            )
        )
        if marked[row, column]:
            edge = FAINT if missing else ink
            axes.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1.0, 1.0, fill=False, hatch="////", edgecolor=edge, linewidth=0.0)
            )
        background = {"facecolor": MISSING_COLOR if missing else colors(fraction), "edgecolor": "none", "pad": 0.8}
        axes.text(
            column,
            row,
            texts[row][column],
            ha="center",
            va="center",
            color=ink,
            fontsize=7,
            bbox=background if marked[row, column] else None,
            # Cells fix the size of the axes; their texts need not be measured, which is what layout spends its time on.
            in_layout=False,
        )
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    bare(axes)
    return ScalarMappable(norm, colors)


def label_columns(axes: Axes, labels: Sequence[str], *, top: bool) -> None:
    """Write column labels slanted, above or below the cells."""
    axes.set_xticks(range(len(labels)), labels)
    if top:
        axes.xaxis.tick_top()
        axes.tick_params(axis="x", length=0)
    for text in axes.get_xticklabels():
        text.set(rotation=45, ha="left" if top else "right", va="bottom" if top else "top", rotation_mode="anchor")


def color_bar(
    figure: Figure, axes: Axes | NDArray[np.object_], source: ScalarMappable, title: str, *, beyond: bool = False
) -> None:
    """A slim color bar to the right of one or several axes, at most about 2.5 inches high.

    Args:
        figure: the figure.
        axes: what the bar belongs to.
        source: what ``draw_cells`` returned.
        title: label of the bar.
        beyond: whether there are values beyond its ends, which are then drawn as tips.
    """
    height = figure.get_size_inches()[1]
    extend = "both" if beyond else "neither"
    bar = figure.colorbar(source, ax=axes, shrink=min(1.0, 3.0 / height), aspect=18, pad=0.02, extend=extend)
    bar.set_label(title)
    bar.outline.set_visible(False)
