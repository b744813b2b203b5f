"""How alike the judges are, pair by pair (the study's Figure 3)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from steadfast.analysis.tables.display_names import Labels
from steadfast.report.figures.cells import CELL_WIDTH, color_bar, draw_cells, label_columns
from steadfast.report.figures.style import figure_style, longest_line, new_figure, wrap

ROW_LABEL = 26
PEARSON = "Pearson correlation of stacked counts"


def draw(
    matrix: pd.DataFrame,
    labels: Labels | None = None,
    *,
    title: str = "",
    measure: str = PEARSON,
    limits: tuple[float, float] = (-1.0, 1.0),
    symmetric: bool = True,
) -> Figure:
    """Draw a square matrix of agreement with a number in every cell.

    Args:
        matrix: judges as index and columns, as ``tables.agreement.square_matrix`` makes it; NaN is shown as a
            hatched cell with a dash.
        labels: display labels.
        title: heading.
        measure: what the color bar says.
        limits: values at the ends of the color bar.
        symmetric: whether the half above the diagonal says nothing new and is left out.
    """
    labels = labels or Labels()
    names = [labels.judge(str(name)) for name in matrix.index]
    with figure_style():
        figure = new_figure(*figure_size(names))
        axes = figure.add_subplot()
        source = draw_panel(axes, matrix, names, limits, symmetric=symmetric)
        axes.set_title(title)
        color_bar(figure, axes, source, measure)
    return figure


def figure_size(names: Sequence[str], panels: tuple[int, int] = (1, 1)) -> tuple[float, float]:
    """Width and height in inches of a figure with this number of columns and rows of matrices."""
    side = max(CELL_WIDTH * len(names), 1.2)
    left, below = 0.065 * longest_line([wrap(name, ROW_LABEL) for name in names]), 0.05 * longest_line(names)
    return panels[0] * (side + left) + 1.1, panels[1] * (0.8 * side + below + 0.4)


def draw_panel(
    axes: Axes, matrix: pd.DataFrame, names: Sequence[str], limits: tuple[float, float], *, symmetric: bool = True
) -> ScalarMappable:
    """Draw one matrix; a symmetric one without the half above the diagonal. Returns what a color bar needs."""
    values = matrix.to_numpy(float)
    texts = [[_text(value) for value in row] for row in values]
    hidden = np.triu(np.ones(values.shape, bool), k=1) if symmetric else None
    source = draw_cells(axes, values, texts, limits, hidden=hidden)
    axes.set_yticks(range(len(names)), [wrap(name, ROW_LABEL) for name in names])
    label_columns(axes, names, top=not symmetric)
    return source


def _text(value: float) -> str:
    if np.isnan(value):
        return "–"
    shown = f"{abs(value):.2f}"
    sign = "−" if value < 0 and float(shown) > 0 else ""
    return sign + (shown if abs(value) >= 0.995 else shown.removeprefix("0"))
