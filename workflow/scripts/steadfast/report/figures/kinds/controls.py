"""Refusals of the original, the edits and the controls side by side: a control should change nothing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from steadfast.analysis.tables.about import About
from steadfast.report.figures.kinds.refusal_counts import figure
from steadfast.report.figures.settings import FigureSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Settings(FigureSettings):
    """Refusals of each model under the edit and under the controls, which should change nothing."""

    reads: ClassVar[tuple[str, ...]] = ("counts",)

    @classmethod
    def applies(cls, about: About) -> bool:
        """Only with controls."""
        return bool(about.controls)


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure."""
    del settings
    counts = data["counts"]
    return {
        "controls": figure(
            counts[~counts["variant"].isin(list(about.swept))],
            about.judge,
            about.labels,
            controls=about.controls,
            confidence=about.confidence,
            stacked=False,
            title="Refusals under the edit and under the controls",
        )
    }
