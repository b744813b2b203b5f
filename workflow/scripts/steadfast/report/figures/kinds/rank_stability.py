"""Agreement of the judges' rankings of the models."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ranking import LEAST_MODELS, tau_matrix
from steadfast.core.names import ORIGINAL
from steadfast.report.figures.heading import number_of
from steadfast.report.figures.matrix import draw_matrices
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import message_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADINGS = {"rate": "Refusal rate, {}", "change": "Change of refusals, {}"}


class Settings(FigureSettings):
    """Kendall's τ between the judges' rankings of the edited models."""

    reads: ClassVar[tuple[str, ...]] = ("ranking",)
    folder: ClassVar[str] = "judges"


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure; none where no two judges rank the edited models."""
    del settings
    matrices = _matrices(data["ranking"], about.labels, about.baselines, (*about.controls, *about.swept))
    if not matrices:
        return {}
    return {"rank_stability": figure(data["ranking"], about.labels, baselines=about.baselines, left_out=about.swept)}


def figure(
    ranking: pd.DataFrame,
    labels: Labels | None = None,
    *,
    baselines: Collection[str] = (),
    left_out: Collection[str] = (),
) -> "Figure":
    """Draw Kendall's τ between all judges, one matrix per edited variant's rates and per variant's changes.

    The unedited models' rates and the baselines, which rank nothing, are left out, and so are matrices in which no
    pair of judges has a τ.

    Args:
        ranking: a table from ``tables.ranking``.
        labels: display labels.
        baselines: judges that do not read the response.
        left_out: variants that are not shown.
    """
    labels = labels or Labels()
    matrices = _matrices(ranking, labels, baselines, left_out)
    if not matrices:
        return message_figure(
            f"ranking stability needs {LEAST_MODELS} models, and two judges by which the edited models differ"
        )
    notes = [
        "Kendall's τ of the models' ranks",
        number_of(ranking["models"].dropna(), "models"),
        "1: the same order, −1: the reverse",
        "–: all ranks tied",
    ]
    return draw_matrices(matrices, labels, title="Rank stability across judges", notes=notes, measure="Kendall's τ")


def _matrices(
    ranking: pd.DataFrame, labels: Labels, baselines: Collection[str], left_out: Collection[str]
) -> dict[str, pd.DataFrame]:
    """Matrices by their headings, without those that say nothing."""
    if ranking.empty:
        return {}
    shown = dict.fromkeys(zip(ranking["quantity"].tolist(), ranking["variant"].tolist(), strict=True))
    found = {}
    for quantity, variant in shown:
        if variant == ORIGINAL or variant in left_out:
            continue
        matrix = tau_matrix(ranking, quantity, variant)
        own = [name for name in matrix.index if name not in baselines]
        matrix = matrix.loc[own, own]
        apart = matrix.to_numpy(float)[np.tril_indices(len(own), k=-1)]
        if np.isfinite(apart).any():
            found[HEADINGS[quantity].format(labels.variant(variant))] = matrix
    # a judge by which all models are alike has no rank in any of them
    ranked = (
        [
            name
            for name in next(iter(found.values())).index
            if any(matrix.loc[name].drop(name).notna().any() for matrix in found.values())
        ]
        if found
        else []
    )
    return {heading: matrix.loc[ranked, ranked] for heading, matrix in found.items()}
