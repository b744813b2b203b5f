"""Whether the judges rank the models alike."""

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ranking import tau_matrix
from steadfast.report.figures.cells import color_bar
from steadfast.report.figures.judge_correlation import draw_panel, figure_size
from steadfast.report.figures.style import figure_style, message_figure, new_figure

COLUMNS = 2


def draw(ranking: pd.DataFrame, labels: Labels | None = None) -> Figure:
    """Draw Kendall's τ between all judges, one matrix per variant's rates and per variant's changes.

    Args:
        ranking: a table as ``tables.ranking`` makes it.
        labels: display labels.
    """
    labels = labels or Labels()
    if ranking.empty:
        return message_figure("ranking stability needs at least two judges")
    shown = list(dict.fromkeys(zip(ranking["quantity"].tolist(), ranking["variant"].tolist(), strict=True)))
    titles = {"rate": "harmful prompts refused: {}", "change": "change of refusals: {}"}
    matrices = [tau_matrix(ranking, quantity, variant) for quantity, variant in shown]
    names = [labels.judge(str(name)) for name in matrices[0].index]
    columns = min(COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    with figure_style():
        figure = new_figure(*figure_size(names, (columns, rows)))
        panels = np.atleast_1d(figure.subplots(rows, columns)).ravel()
        for axes, matrix, (quantity, variant) in zip(panels, matrices, shown, strict=False):
            source = draw_panel(axes, matrix, names, (-1.0, 1.0))
            axes.set_title(titles[quantity].format(labels.variant(variant)), loc="left")
        for axes in panels[len(shown) :]:
            axes.set_axis_off()
        color_bar(figure, panels[0] if len(panels) == 1 else panels, source, "Kendall's τ of the models' ranks")
    return figure
