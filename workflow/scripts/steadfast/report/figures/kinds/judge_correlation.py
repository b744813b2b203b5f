"""Correlation of the judges' counts, by pair (the study's Figure 3)."""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.agreement import square_matrix
from steadfast.analysis.tables.display_names import Labels
from steadfast.report.figures.heading import number_of
from steadfast.report.figures.matrix import draw_matrices
from steadfast.report.figures.settings import FigureSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METRIC, SUBSET = "pearson_counts", "all"
TITLE = "Correlation of the judges"


class Settings(FigureSettings):
    """Pearson correlation of the judges' refusal counts, as a matrix."""

    reads: ClassVar[tuple[str, ...]] = ("agreement",)


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure."""
    del settings
    agreement = data["agreement"]
    chosen = (agreement["metric"] == METRIC) & (agreement["subset"] == SUBSET) & agreement["value"].notna()
    matrix = square_matrix(agreement, METRIC, SUBSET)
    responses = agreement.loc[chosen & (agreement["judge_a"] != agreement["judge_b"]), "n"]
    return {"judge_correlation": figure(matrix, about.labels, baselines=about.baselines, responses=responses)}


def figure(
    matrix: pd.DataFrame,
    labels: Labels | None = None,
    *,
    baselines: Collection[str] = (),
    responses: Iterable[float] = (),
) -> "Figure":
    """Draw the matrix.

    Args:
        matrix: judges as index and columns, as ``tables.agreement.square_matrix`` makes it.
        labels: display labels.
        baselines: judges that do not read the response, which stand apart.
        responses: numbers of responses behind the values, of every pair.
    """
    notes = [
        "Pearson's r of refusal counts, models, variants and labels stacked",
        number_of(responses, "responses per pair") or f"n = {len(matrix)} judges",
        "behind the gap: baselines, which do not read the response" if set(baselines) & set(matrix.index) else "",
        "–: undefined" if matrix.isna().to_numpy().any() else "",
    ]
    return draw_matrices(
        {TITLE: matrix}, labels or Labels(), title=TITLE, notes=notes, measure="Pearson's r", baselines=baselines
    )
