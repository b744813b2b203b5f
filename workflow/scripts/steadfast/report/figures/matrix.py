"""Square matrices of judges, with a number for each pair."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from steadfast.analysis.tables.display_names import Labels
from steadfast.report.figures.cells import (
    BAR_WIDTH,
    WIDEST_CELL,
    Line,
    bar_height,
    color_bar,
    draw_cells,
    label_columns,
    label_height,
    line_of,
    text_size,
)
from steadfast.report.figures.heading import add_heading, heading_height
from steadfast.report.figures.look import narrow, width
from steadfast.report.figures.panels import hide_rest
from steadfast.report.figures.style import figure_style, new_figure
from steadfast.report.figures.text_fitting import inches_of, row_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

SIGNED = (-1.0, 1.0)
FLATTEST = 0.62
"""Height of a cell in parts of its width, at least."""


def draw_matrices(
    matrices: Mapping[str, pd.DataFrame],
    labels: Labels,
    *,
    title: str,
    notes: Sequence[str],
    measure: str,
    limits: tuple[float, float] = SIGNED,
    symmetric: bool = True,
    baselines: Collection[str] = (),
) -> "Figure":
    """Draw square matrices of the same judges, with a number in every cell.

    Args:
        matrices: by their headings; judges as index and columns. NaN is shown as a hatched cell with a dash.
        labels: display labels.
        title: of the figure.
        notes: below the title.
        measure: what the color bar says.
        limits: values at the ends of the color bar; colors are diverging where they are as far from 0.
        symmetric: whether the half above the diagonal says nothing new and is left out.
        baselines: judges that do not read the response, which come last, behind a gap.
    """
    judges = [str(name) for name in next(iter(matrices.values())).index]
    line = line_of(judges, baselines)
    names = [labels.judge(name) for name in line.names]
    across = 1 if narrow() else min(2, len(matrices))
    down = -(-len(matrices) // across)
    with figure_style():
        rows = row_labels(names, 0.28 if across == 1 else 0.17)
        left = inches_of(rows) + 0.15
        cell = min(
            WIDEST_CELL, (width() - (0.1 if narrow() else BAR_WIDTH) - across * left) / (across * (line.end + 0.5))
        )
        below = label_height(names, cell) + 0.1
        side = max(FLATTEST * cell, 0.2) * (line.end + 0.5)
        drawn = new_figure(
            heading_height(title, notes) + down * (side + below + 0.25 * (len(matrices) > 1)) + bar_height()
        )
        panels = drawn.subplots(down, across, squeeze=False)
        for axes, (heading, matrix) in zip(panels.flat, matrices.items(), strict=False):
            source = _panel(axes, matrix, line, names, rows, limits, cell, symmetric=symmetric)
            if len(matrices) > 1:
                axes.set_title(heading, loc="left")
        hide_rest(panels, len(matrices))
        color_bar(drawn, panels[0, 0] if len(matrices) == 1 else panels, source, measure)
        add_heading(drawn, title, notes)
    return drawn


def _panel(
    axes: "Axes",
    matrix: pd.DataFrame,
    line: Line,
    names: Sequence[str],
    rows: Sequence[str],
    limits: tuple[float, float],
    cell: float,
    *,
    symmetric: bool,
) -> "ScalarMappable":
    values = matrix.reindex(index=list(line.names), columns=list(line.names)).to_numpy(float)
    texts = [[_text(value) for value in row] for row in values]
    hidden = np.triu(np.ones(values.shape, bool), k=1) if symmetric else None
    source = draw_cells(
        axes,
        values,
        texts,
        limits,
        hidden=hidden,
        rows=line,
        columns=line,
        diverging=limits[0] == -limits[1],
        size=text_size(texts, cell),
    )
    axes.set_yticks(list(line.places), rows)
    label_columns(axes, names, top=not symmetric, columns=line, cell=cell)
    return source


def _text(value: float) -> str:
    if np.isnan(value):
        return "–"
    shown = f"{abs(value):.2f}"
    sign = "−" if value < 0 and float(shown) > 0 else ""
    return sign + (shown if abs(value) >= 0.995 else shown.removeprefix("0"))
