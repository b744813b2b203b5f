"""Correlation of the judges' counts, by pair (the study's Figure 3)."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.agreement import square_matrix
from steadfast.analysis.tables.display_names import Labels
from steadfast.report.figures.matrix import draw_matrices
from steadfast.report.figures.settings import FigureSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Correlation of the judges"


class Settings(FigureSettings):
    """Pearson correlation of the judges' refusal counts, as a matrix."""

    reads: ClassVar[tuple[str, ...]] = ("agreement",)


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure."""
    del settings
    matrix = square_matrix(data["agreement"])
    return {"judge_correlation": figure(matrix, about.labels, baselines=about.baselines)}


def figure(matrix: pd.DataFrame, labels: Labels | None = None, *, baselines: Collection[str] = ()) -> "Figure":
    """Draw the matrix.

    Args:
        matrix: judges as index and columns, as ``tables.agreement.square_matrix`` makes it.
        labels: display labels.
        baselines: judges that do not read the response, which stand apart.
    """
    notes = [
        "Pearson's r of refusal counts, models, variants and labels stacked",
        f"n = {len(matrix)} judges",
        "behind the gap: baselines, which do not read the response" if set(baselines) & set(matrix.index) else "",
        "–: undefined" if matrix.isna().to_numpy().any() else "",
    ]
    return draw_matrices(
        {TITLE: matrix}, labels or Labels(), title=TITLE, notes=notes, measure="Pearson's r", baselines=baselines
    )
