"""A table of colored cells with a number in each: what the heat maps are made of."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steadfast.report.figures.look import look, narrow, width
from steadfast.report.figures.panels import bare
from steadfast.report.figures.style import FAINT, INK, MISSING_COLOR, QUIET, color_map, ink_on
from steadfast.report.figures.text_fitting import GLYPH, characters, inches_of, longest_line, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]

CELL_HEIGHT = 0.21
WIDEST_CELL = 0.62
BAR_WIDTH = 0.75
"""Inches that a color bar takes with its numbers and title."""
GAP = 0.45
"""Space between judges and baselines, in cells."""
SMALLEST_TYPE = 4.0
DIGIT = 0.645
"""Width of a digit, in parts of the type's size."""
LEAST_SLANTED = 1.45
"""Labels of columns that are closer together than this multiple of their type are upright instead of slanted."""
BAR_HEIGHT = 0.55
"""Inches that a color bar below the cells takes."""


@dataclass(frozen=True)
class Line:
    """The rows or the columns of a table of cells.

    Attributes:
        names: what they are.
        places: where their middles are on the axis; one step is the size of a cell.
    """

    names: tuple[str, ...]
    places: tuple[float, ...]

    @property
    def end(self) -> float:
        """The far edge of the last cell."""
        return (self.places[-1] if self.places else 0.0) + 0.5


def line_of(names: Sequence[str], apart: Collection[str] = ()) -> Line:
    """Names one after the other; those ``apart`` come last, behind a gap."""
    first = [name for name in names if name not in apart]
    last = [name for name in names if name in apart]
    gap = GAP if first and last else 0.0
    places = [*range(len(first)), *(len(first) + gap + number for number in range(len(last)))]
    return Line((*first, *last), tuple(float(place) for place in places))


def cell_width(columns: float, left: float) -> float:
    """Width of a cell in inches, where labels take ``left`` inches of the figure."""
    room = width() - left - (0.1 if narrow() else BAR_WIDTH)
    return max(0.12, min(WIDEST_CELL, room / max(columns, 1.0)))


def text_size(texts: Sequence[Sequence[str]], cell: float) -> float:
    """Type size at which the longest text fits into a cell of this width in inches."""
    longest = max(longest_line([text for line in texts for text in line]), 1)
    return float(np.clip(0.92 * cell * 72 / (DIGIT * longest), SMALLEST_TYPE, 0.875 * look().font_size))


def draw_cells(
    axes: "Axes",
    values: FloatArray,
    texts: Sequence[Sequence[str]],
    limits: tuple[float, float],
    hatched: NDArray[np.bool_] | None = None,
    hidden: NDArray[np.bool_] | None = None,
    *,
    rows: Line | None = None,
    columns: Line | None = None,
    diverging: bool = False,
    size: float | None = None,
) -> "ScalarMappable":
    """Draw one cell per value, with its text in a readable color.

    Args:
        axes: where to draw; the first row is at the top.
        values: shape [rows, columns]; NaN draws an empty, hatched cell.
        texts: text in each cell.
        limits: values at the two ends of the color map.
        hatched: cells to hatch in addition to those without a value, shape [rows, columns].
        hidden: cells to leave out altogether, shape [rows, columns].
        rows: where rows are; one after the other by default.
        columns: where columns are.
        diverging: whether the values have a sign, and the limits are as far from 0.
        size: type size of the texts, in points.

    Returns:
        What a color bar needs.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colors = color_map(diverging=diverging)
    norm = Normalize(*limits)
    rows = rows or line_of([""] * len(values))
    columns = columns or line_of([""] * values.shape[1])
    marked = np.isnan(values) | (np.zeros(values.shape, bool) if hatched is None else hatched)
    skipped = np.zeros(values.shape, bool) if hidden is None else hidden
    for row, column in np.argwhere(~skipped):
        value = values[row, column]
        _draw_cell(
            axes,
            (columns.places[column], rows.places[row]),
            None if np.isnan(value) else colors(float(np.clip(norm(value), 0, 1))),
            INK if np.isnan(value) else ink_on(colors, float(np.clip(norm(value), 0, 1))),
            texts[row][column],
            marked=bool(marked[row, column]),
            size=size or 0.875 * look().font_size,
        )
    axes.set_xlim(-0.5, columns.end)
    axes.set_ylim(rows.end, -0.5)
    bare(axes)
    return ScalarMappable(norm, colors)


def _draw_cell(
    axes: "Axes", place: tuple[float, float], fill: Any, ink: str, text: str, *, marked: bool, size: float
) -> None:
    from matplotlib.patches import Rectangle

    corner = (place[0] - 0.5, place[1] - 0.5)
    face = MISSING_COLOR if fill is None else fill
    axes.add_patch(Rectangle(corner, 1.0, 1.0, facecolor=face, edgecolor="white", linewidth=0.8))
    if marked:
        edge = FAINT if fill is None else ink
        axes.add_patch(Rectangle(corner, 1.0, 1.0, fill=False, hatch="////", edgecolor=edge, linewidth=0.0))
    axes.text(
        *place,
        text,
        ha="center",
        va="center",
        color=ink,
        fontsize=size,
        bbox={"facecolor": face, "edgecolor": "none", "pad": 0.8} if marked else None,
        # Cells fix the size of the axes; their texts need not be measured, which is what layout spends its time on.
        in_layout=False,
    )


def frame_cell(axes: "Axes", place: tuple[float, float]) -> None:
    """A frame within a cell, which is seen on light and dark cells alike."""
    from matplotlib.patches import Rectangle

    corner = (place[0] - 0.45, place[1] - 0.42)
    axes.add_patch(Rectangle(corner, 0.9, 0.84, fill=False, edgecolor="white", linewidth=2.4))
    axes.add_patch(Rectangle(corner, 0.9, 0.84, fill=False, edgecolor=INK, linewidth=1.1))


def label_columns(
    axes: "Axes", labels: Sequence[str], *, top: bool, columns: Line | None = None, cell: float = 1.0
) -> None:
    """Write column labels slanted, or upright where cells of ``cell`` inches are narrow, above or below the cells."""
    if _upright(cell):
        axes.set_xticks(list(columns.places if columns else range(len(labels))), list(labels), rotation=90)
        if top:
            axes.xaxis.tick_top()
        axes.tick_params(axis="x", length=0)
        return
    places = columns.places if columns else range(len(labels))
    axes.set_xticks(list(places), list(labels))
    if top:
        axes.xaxis.tick_top()
        axes.tick_params(axis="x", length=0)
    for text in axes.get_xticklabels():
        text.set(rotation=45, ha="left" if top else "right", va="bottom" if top else "top", rotation_mode="anchor")


def _upright(cell: float) -> bool:
    return cell * 72 < LEAST_SLANTED * look().font_size


def label_height(labels: Sequence[str], cell: float) -> float:
    """Height in inches of the labels of columns of ``cell`` inches."""
    if _upright(cell):
        return inches_of(labels) * 1.05 + 0.1
    return 0.707 * (longest_line(labels) * GLYPH + 1.0) * look().font_size / 72


def name_baselines(axes: "Axes", columns: Line, baselines: Collection[str]) -> None:
    """Write below the columns of the baselines what they are."""
    own = [place for name, place in zip(columns.names, columns.places, strict=True) if name in baselines]
    if not own or len(own) == len(columns.names):
        return
    ends = (own[0] - 0.45, own[-1] + 0.45)
    place: Any = {"xycoords": ("data", "axes fraction"), "annotation_clip": False}
    rule: Any = {"arrowstyle": "-", "color": QUIET, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (ends[0], -0.01), (ends[1], -0.01), textcoords=place["xycoords"], arrowprops=rule, **place)
    axes.annotate(
        "baselines" if len(own) > 1 else "baseline",
        (sum(ends) / 2, 0),
        (0, -4),
        textcoords="offset points",
        ha="center",
        va="top",
        color=QUIET,
        fontsize=0.86 * look().font_size,
        **place,
    )


def bar_height() -> float:
    """Inches that a color bar adds to the height of a figure."""
    return BAR_HEIGHT if narrow() else 0.0


def color_bar(
    figure: "Figure",
    axes: "Axes | NDArray[np.object_]",
    source: "ScalarMappable",
    title: str,
    *,
    beyond: bool = False,
    percent: bool = False,
) -> None:
    """A slim color bar: to the right of one or several axes, or below them in a single column.

    Args:
        figure: the figure.
        axes: what the bar belongs to.
        source: what ``draw_cells`` returned.
        title: label of the bar.
        beyond: whether there are values beyond its ends, which are then drawn as tips.
        percent: whether its numbers are percentages.
    """
    height = figure.get_size_inches()[1]
    extend = "both" if beyond else "neither"
    place: Any = (
        {"location": "bottom", "shrink": 0.8, "aspect": 28, "pad": 0.02}
        if narrow()
        else {"shrink": min(0.9, 2.4 / height), "aspect": 16, "pad": 0.015}
    )
    bar = figure.colorbar(source, ax=axes, extend=extend, **place)
    # as long as the bar, which a short figure leaves little room for
    room = characters(0.8 * width() if narrow() else 0.5 * height)
    bar.set_label(wrap(title, room), fontsize=0.94 * look().font_size)
    bar.ax.tick_params(labelsize=0.9 * look().font_size, width=0.6, length=2.5)
    if percent:
        (bar.ax.xaxis if narrow() else bar.ax.yaxis).set_major_formatter("{x:g}%")
    bar.outline.set_visible(False)
