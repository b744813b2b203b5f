"""Bias of every judge towards or against single models."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.judge_validity import ALL_MODELS
from steadfast.analysis.tables.ordering import names_of
from steadfast.report.figures.cells import (
    CELL_HEIGHT,
    bar_height,
    cell_width,
    color_bar,
    draw_cells,
    label_columns,
    label_height,
    line_of,
    name_baselines,
    text_size,
)
from steadfast.report.figures.heading import add_heading, heading_height
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import figure_style, message_figure, new_figure
from steadfast.report.figures.text_fitting import inches_of, most_lines, row_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_LIMIT = 5.0
DIGITS_BELOW = 10.0
LARGEST_LIMIT = 25.0
"""Ends of the colors, in percentage points: a judge that always refuses must not leave the others one shade."""


class Settings(FigureSettings):
    """How many more or fewer refusals every judge finds than the reference, by model."""

    reads: ClassVar[tuple[str, ...]] = ("bias",)
    folder: ClassVar[str] = "judges"


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure; none where no judge scored what the reference scored."""
    del settings
    if data["bias"].empty:
        return {}
    return {"judge_bias": figure(data["bias"], about.truth, about.labels, baselines=about.baselines)}


def figure(
    bias: pd.DataFrame, reference: str, labels: Labels | None = None, *, baselines: Collection[str] = ()
) -> "Figure":
    """Draw each judge's bias per model, in percentage points, models as rows and judges as columns.

    A hatched cell is a bias that differs from the judge's bias on the other models (its interval excludes 0).

    Args:
        bias: a table from ``tables.judge_validity.bias_table``.
        reference: judge that the bias is measured against.
        labels: display labels.
        baselines: judges that do not read the response, which stand apart.
    """
    labels = labels or Labels()
    if bias.empty:
        return message_figure(f"no judge scored a response that {labels.judge(reference)} scored")
    # a table that was read from its file has NaN for an empty name
    bias = bias.fillna({"model": ALL_MODELS})
    columns = line_of(names_of(bias, "judge"), baselines)
    models = [ALL_MODELS, *(name for name in names_of(bias, "model") if name != ALL_MODELS)]
    names = [labels.judge(judge) for judge in columns.names]
    wide = {
        column: bias.pivot(index="model", columns="judge", values=column)
        .reindex(index=models, columns=list(columns.names))
        .to_numpy(float)
        for column in ("bias", "excess_low", "excess_high")
    }
    values = 100 * wide["bias"]
    singled_out = (wide["excess_low"] > 0) | (wide["excess_high"] < 0)
    texts = [[_text(value) for value in line] for line in values]
    widest = float(np.nanmax(np.abs(values), initial=0.0))
    limit = float(np.clip(widest, LEAST_LIMIT, LARGEST_LIMIT))
    compared = int(bias.loc[bias["model"] == ALL_MODELS, "n"].max())
    title = f"Bias of the judges against {labels.judge(reference)}"
    notes = [
        f"refusals found only by this judge minus those found only by {labels.judge(reference)}, in percentage points",
        f"n ≤ {compared:,} responses",
        "hatched: differs from its bias on the other models" if singled_out.any() else "",
    ]
    with figure_style():
        rows = row_labels(["all models" if model == ALL_MODELS else labels.model(model) for model in models])
        row = max(CELL_HEIGHT, 0.14 * most_lines(rows) + 0.02)
        cell = cell_width(columns.end + 0.5, inches_of(rows) + 0.2)
        drawn = new_figure(
            heading_height(title, notes) + row * len(models) + label_height(names, cell) + 0.3 + bar_height()
        )
        axes = drawn.add_subplot()
        size = text_size(texts, cell)
        source = draw_cells(
            axes, values, texts, (-limit, limit), singled_out, columns=columns, diverging=True, size=size
        )
        axes.set_yticks(range(len(models)), rows)
        label_columns(axes, names, top=True, columns=columns, cell=cell)
        name_baselines(axes, columns, baselines)
        axes.axhline(0.5, color="white", linewidth=4)
        color_bar(drawn, axes, source, "percentage points", beyond=widest > limit)
        add_heading(drawn, title, notes)
    return drawn


def _text(value: float) -> str:
    if np.isnan(value):
        return "–"
    points = round(value, 1)
    digits = 1 if abs(points) < DIGITS_BELOW else 0
    return f"{points:+.{digits}f}".replace("-", "−") if points else "0"
