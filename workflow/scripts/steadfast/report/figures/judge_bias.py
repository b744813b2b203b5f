"""Bias of every judge towards or against single models."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.judge_validity import ALL_MODELS
from steadfast.analysis.tables.ordering import names_of
from steadfast.report.figures.cells import CELL_HEIGHT, CELL_WIDTH, color_bar, draw_cells, label_columns
from steadfast.report.figures.style import figure_style, longest_line, message_figure, new_figure, wrap

LEAST_LIMIT = 5.0
LARGEST_LIMIT = 25.0
"""Ends of the colors, in percentage points: a judge that always refuses must not leave the others one shade."""


def draw(bias: pd.DataFrame, reference: str, labels: Labels | None = None) -> Figure:
    """Draw each judge's bias per model, in percentage points, models as rows and judges as columns.

    A hatched cell is a bias that differs from the judge's bias on the other models (its interval excludes 0).

    Args:
        bias: a table as ``tables.fidelity.bias_table`` makes it.
        reference: judge that the bias is measured against.
        labels: display labels.
    """
    labels = labels or Labels()
    if bias.empty:
        return message_figure(f"no judge scored a response that {labels.judge(reference)} scored")
    # a table that was read from its file has NaN for an empty name
    bias = bias.fillna({"model": ALL_MODELS})
    judges = names_of(bias, "judge")
    models = [ALL_MODELS, *(name for name in names_of(bias, "model") if name != ALL_MODELS)]
    rows = ["all models" if model == ALL_MODELS else wrap(labels.model(model), 34) for model in models]
    names = [labels.judge(judge) for judge in judges]
    wide = {
        column: bias.pivot(index="model", columns="judge", values=column)
        .reindex(index=models, columns=judges)
        .to_numpy(float)
        for column in ("bias", "excess_low", "excess_high")
    }
    values = 100 * wide["bias"]
    singled_out = (wide["excess_low"] > 0) | (wide["excess_high"] < 0)
    texts = [[_text(value) for value in line] for line in values]
    widest = float(np.nanmax(np.abs(values), initial=0.0))
    limit = float(np.clip(widest, LEAST_LIMIT, LARGEST_LIMIT))
    with figure_style():
        figure = new_figure(
            CELL_WIDTH * len(judges) + 0.066 * longest_line(rows) + 1.5,
            CELL_HEIGHT * len(models) + 0.05 * longest_line(names) + 0.9,
        )
        axes = figure.add_subplot()
        source = draw_cells(axes, values, texts, (-limit, limit), hatched=singled_out)
        axes.set_yticks(range(len(models)), rows)
        label_columns(axes, names, top=True)
        axes.axhline(0.5, color="white", linewidth=4)
        color_bar(figure, axes, source, "bias (percentage points)", beyond=widest > limit)
        compared = int(bias.loc[bias["model"] == ALL_MODELS, "n"].max())
        axes.set_xlabel(
            f"refusals found only by this judge minus those found only by {labels.judge(reference)}\n"
            f"(n ≤ {compared:,}); hatched: differs from the bias on the other models"
        )
    return figure


def _text(value: float) -> str:
    if np.isnan(value):
        return "–"
    points = round(value, 1)
    return f"{points:+.1f}".replace("-", "−") if points else "0"
