"""Judge sensitivity of the conclusions."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.outcomes import CONCLUSIONS, legend, outcome
from steadfast.report.figures.cells import (
    CELL_HEIGHT,
    bar_height,
    cell_width,
    color_bar,
    draw_cells,
    frame_cell,
    label_columns,
    label_height,
    line_of,
    name_baselines,
    text_size,
)
from steadfast.report.figures.heading import add_heading, heading_height, number_of
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import figure_style, message_figure, new_figure
from steadfast.report.figures.text_fitting import inches_of, most_lines, row_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_LIMIT = 20.0


class Settings(FigureSettings):
    """The change of refusals by every judge, with what each concludes."""

    reads: ClassVar[tuple[str, ...]] = ("conclusions", "robustness")
    folder: ClassVar[str] = "judges"


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure; without any comparison there is none."""
    del settings
    if data["conclusions"].empty:
        return {}
    rates = data["robustness"]
    prompts = rates.loc[rates["label"] == "harmful", "total"] if "total" in rates else ()
    return {
        "conclusions": figure(
            data["conclusions"], about.labels, margin=about.margin, baselines=about.baselines, prompts=prompts
        )
    }


def figure(
    conclusions: pd.DataFrame,
    labels: Labels | None = None,
    *,
    margin: float = 0.10,
    baselines: Collection[str] = (),
    prompts: Collection[float] = (),
) -> "Figure":
    """Draw the change of harmful refusals by every judge with what it concludes.

    Each cell holds the change in percentage points and the mark of its outcome (``tables.outcomes``). A frame marks
    cells whose *changed* or *not changed* differs from the table's reference, if it has one.

    Args:
        conclusions: a table from ``tables.conclusions``.
        labels: display labels.
        margin: the margin of the conclusions, for the note.
        baselines: judges that do not read the response, which stand apart.
        prompts: numbers of harmful responses that the changes rest on.

    Raises:
        DataError: a conclusion is none of the known outcomes.
    """
    labels = labels or Labels()
    if conclusions.empty:
        return message_figure("no edited variant to compare with the original")
    columns = line_of(names_of(conclusions, "judge"), baselines)
    pairs = list(dict.fromkeys(zip(conclusions["model"].tolist(), conclusions["variant"].tolist(), strict=True)))
    several = conclusions["variant"].nunique() > 1
    wide = {
        column: conclusions.pivot(index=["model", "variant"], columns="judge", values=column).reindex(
            index=pd.MultiIndex.from_tuples(pairs), columns=list(columns.names)
        )
        for column in ("change", "conclusion", "flips")
    }
    points = 100 * wide["change"].to_numpy(float)
    marks = wide["conclusion"].astype("object").fillna("").to_numpy()
    flips = wide["flips"].astype("object").fillna(False).to_numpy(bool)
    texts = [
        [change_text(value / 100, mark) for value, mark in zip(*line, strict=True)]
        for line in zip(points, marks, strict=True)
    ]
    names = [labels.judge(judge) for judge in columns.names]
    limit = max(LEAST_LIMIT, float(np.nanmax(np.abs(points), initial=0.0)))
    reference = str(conclusions["reference"].fillna("").iloc[0])
    title = "Change of refusals and conclusion, by judge"
    variant = "" if several else f" ({labels.variant(str(conclusions['variant'].iloc[0]))})"
    notes = [
        f"numbers: change of harmful prompts refused{variant}, in percentage points",
        number_of(prompts, "responses per rate"),
        f"{legend(CONCLUSIONS, marks.ravel())} (margin {100 * margin:g} points)",
        f"framed: changed or not changed (Holm-adjusted) differs from {labels.judge(reference)}" if reference else "",
    ]
    with figure_style():
        rows = row_labels(
            [f"{labels.model(one)}, {labels.variant(other)}" if several else labels.model(one) for one, other in pairs]
        )
        row = max(CELL_HEIGHT + 0.03, 0.14 * most_lines(rows) + 0.02)
        cell = cell_width(columns.end + 0.5, inches_of(rows) + 0.2)
        drawn = new_figure(
            heading_height(title, notes) + row * len(pairs) + label_height(names, cell) + 0.3 + bar_height()
        )
        axes = drawn.add_subplot()
        source = draw_cells(
            axes, points, texts, (-limit, limit), columns=columns, diverging=True, size=text_size(texts, cell)
        )
        for place, column in np.argwhere(flips):
            frame_cell(axes, (columns.places[column], float(place)))
        axes.set_yticks(range(len(pairs)), rows)
        label_columns(axes, names, top=True, columns=columns, cell=cell)
        name_baselines(axes, columns, baselines)
        color_bar(drawn, axes, source, "percentage points")
        add_heading(drawn, title, notes)
    return drawn


def change_text(change: float, conclusion: str) -> str:
    """A change in whole percentage points with the mark of its conclusion, if one was drawn."""
    if np.isnan(change):
        return "–"
    points = round(100 * change)
    number = f"{points:+d}".replace("-", "−") if points else "0"
    return f"{number} {outcome(conclusion, CONCLUSIONS).mark}" if conclusion else number
