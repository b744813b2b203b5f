"""Figure of the responses that each judge could not score."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import pandas as pd
from pydantic import Field

from steadfast.analysis.tables.about import About
from steadfast.report.figures.heading import add_heading, heading_height, number_of
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import figure_style, new_figure, series_color
from steadfast.report.figures.text_fitting import row_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Settings(FigureSettings):
    """Share of the responses that each judge could not score."""

    reads: ClassVar[tuple[str, ...]] = ("counts",)

    baselines: bool = Field(False, description="Whether judges that do not read the response are shown.")


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure, with the name of its entry point."""
    counts = data["counts"]
    if not settings.baselines:
        counts = counts[~counts["judge"].isin(about.baselines)]
    totals = counts.groupby("judge", sort=False)[["unscored", "total"]].sum()
    title, notes = "Unscored responses", [number_of(totals["total"], "responses per judge")]
    with figure_style():
        figure = new_figure(0.2 * len(totals) + 0.5 + heading_height(title, notes))
        axes = figure.add_subplot()
        axes.barh(range(len(totals)), 100 * totals["unscored"] / totals["total"], color=series_color(0))
        axes.set_yticks(range(len(totals)), row_labels([about.labels.judge(str(name)) for name in totals.index]))
        axes.set_xlabel("unscored (%)")
        add_heading(figure, title, notes)
    return {"unscored": figure}
