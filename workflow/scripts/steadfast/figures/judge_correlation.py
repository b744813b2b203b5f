"""How alike the judges are, pair by pair (the study's Figure 3)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from steadfast.figures.cells import CELL_WIDTH, colour_bar, draw_cells, label_columns
from steadfast.figures.style import figure_style, longest_line, new_figure, wrap
from steadfast.tables.labels import Labels

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
        title: what stands above.
        measure: what the colour bar says.
        limits: values at the ends of the colour bar.
        symmetric: whether the half above the diagonal says nothing new and is left out.
    """
    labels = labels or Labels()
    names = [labels.judge(str(name)) for name in matrix.index]
    rows = [wrap(name, 26) for name in names]
    values = matrix.to_numpy(float)
    texts = [[_text(value) for value in row] for row in values]
    hidden = np.triu(np.ones(values.shape, bool), k=1) if symmetric else None
    left, below = 0.065 * longest_line(rows), 0.05 * longest_line(names)
    with figure_style():
        side = max(CELL_WIDTH * len(names), 1.2)
        figure = new_figure(side + left + 1.1, 0.8 * side + below + 0.4)
        axes = figure.add_subplot()
        source = draw_cells(axes, values, texts, limits, hidden=hidden)
        axes.set_yticks(range(len(names)), rows)
        label_columns(axes, names, top=not symmetric)
        axes.set_title(title)
        colour_bar(figure, axes, source, measure)
    return figure


def _text(value: float) -> str:
    if np.isnan(value):
        return "–"
    shown = f"{abs(value):.2f}"
    sign = "−" if value < 0 and float(shown) > 0 else ""
    return sign + (shown if abs(value) >= 0.995 else shown.removeprefix("0"))
