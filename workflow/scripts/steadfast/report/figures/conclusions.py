"""Which conclusions flip from judge to judge."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.outcomes import CONCLUSIONS, legend, outcome
from steadfast.report.figures.cells import CELL_HEIGHT, color_bar, draw_cells, label_columns
from steadfast.report.figures.style import INK, figure_style, longest_line, message_figure, new_figure, wrap

CELL_WIDTH = 0.58


def draw(conclusions: pd.DataFrame, labels: Labels | None = None, *, margin: float = 0.10) -> Figure:
    """Draw the change of harmful refusals by every judge with what it concludes.

    Each cell holds the change in percentage points and the mark of its outcome (``tables.outcomes``). A frame marks
    cells whose *changed* or *not changed* differs from the table's reference, if it has one.

    Args:
        conclusions: a table as ``tables.conclusions`` makes it.
        labels: display labels.
        margin: the margin of the conclusions, for the note.

    Raises:
        DataError: a conclusion is none of the known outcomes.
    """
    labels = labels or Labels()
    if conclusions.empty:
        return message_figure("no edited variant to compare with the original")
    judges = names_of(conclusions, "judge")
    pairs = list(dict.fromkeys(zip(conclusions["model"].tolist(), conclusions["variant"].tolist(), strict=True)))
    several = conclusions["variant"].nunique() > 1
    rows = [
        wrap(f"{labels.model(model)}, {labels.variant(variant)}" if several else labels.model(model), 38)
        for model, variant in pairs
    ]
    wide = {
        column: conclusions.pivot(index=["model", "variant"], columns="judge", values=column).reindex(
            index=pd.MultiIndex.from_tuples(pairs), columns=judges
        )
        for column in ("change", "conclusion", "flips")
    }
    change = wide["change"].to_numpy(float)
    marks = wide["conclusion"].astype("object").fillna("").to_numpy()
    flips = wide["flips"].astype("object").fillna(False).to_numpy(bool)
    texts = [
        [change_text(value, mark) for value, mark in zip(*line, strict=True)]
        for line in zip(change, marks, strict=True)
    ]
    names = [labels.judge(judge) for judge in judges]
    points = 100 * change
    limits = (min(-20.0, float(np.nanmin(points, initial=0.0))), max(20.0, float(np.nanmax(points, initial=0.0))))
    with figure_style():
        figure = new_figure(
            CELL_WIDTH * len(judges) + 0.066 * longest_line(rows) + 1.5,
            (CELL_HEIGHT + 0.04) * len(pairs) + 0.05 * longest_line(names) + 0.9,
        )
        axes = figure.add_subplot()
        source = draw_cells(axes, points, texts, limits)
        for row, column in np.argwhere(flips):
            frame = Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, fill=False, edgecolor="white", linewidth=2.6)
            axes.add_patch(frame)
            axes.add_patch(Rectangle(frame.get_xy(), 0.92, 0.88, fill=False, edgecolor=INK, linewidth=1.3))
        axes.set_yticks(range(len(pairs)), rows)
        label_columns(axes, names, top=True)
        color_bar(figure, axes, source, "change of harmful prompts refused\n(percentage points)")
        note = wrap(f"{legend(CONCLUSIONS, marks.ravel())} (margin {100 * margin:g} points)", 90)
        reference = str(conclusions["reference"].fillna("").iloc[0])
        if reference:
            note += f";\nframed: changed or not changed (Holm-adjusted) differs from {labels.judge(reference)}"
        axes.set_xlabel(note)
    return figure


def change_text(change: float, conclusion: str) -> str:
    """A change in whole percentage points with the mark of its conclusion, if one was drawn."""
    if np.isnan(change):
        return "–"
    points = round(100 * change)
    number = f"{points:+d}".replace("-", "−") if points else "0"
    return f"{number} {outcome(conclusion, CONCLUSIONS).mark}" if conclusion else number
