"""Refusal rates as a judge gives them, and corrected for its errors."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.core.errors import DataError
from steadfast.core.names import ORIGINAL
from steadfast.report.figures.heading import add_heading, add_legend, heading_height, legend_height, number_of
from steadfast.report.figures.look import look, narrow
from steadfast.report.figures.panels import hide_rest
from steadfast.report.figures.rows import finish_rows, interval_dots, name_rows
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import figure_style, marker_key, mixed, new_figure
from steadfast.report.figures.text_fitting import most_lines, row_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SERIES = {
    "rate": ("as judged (Wilson)", "o"),
    "rogan_gladen": ("Rogan–Gladen", "D"),
    "ppi": ("prediction-powered", "s"),
}
SUB_ROW = 0.13
MOST_COLUMNS = 3


class Settings(FigureSettings):
    """Refusal rates as judged, and corrected for the judge's errors against human labels."""

    reads: ClassVar[tuple[str, ...]] = ("robustness",)
    folder: ClassVar[str] = "judges"


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure; none without human labels, which the corrections need."""
    del settings
    table = data["robustness"]
    own = table[(table["judge"] == about.judge) & (table["label"] == "harmful")]
    if not any(own[column].notna().any() for column in SERIES if column != "rate"):
        return {}
    left_out = [*about.controls, *about.swept]
    return {"corrected_rates": figure(table, about.judge, about.labels, controls=left_out, confidence=about.confidence)}


def figure(
    robustness: pd.DataFrame,
    judge: str,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
    confidence: float = 0.95,
) -> "Figure":
    """Draw raw and corrected rates of harmful refusals, one row per model and one panel per variant.

    Args:
        robustness: a table from ``tables.robustness``.
        judge: whose verdicts are shown.
        labels: display labels.
        controls: variants to leave out.
        confidence: level of the intervals.

    Raises:
        DataError: there are no rows by this judge.
    """
    labels = labels or Labels()
    chosen = (robustness["judge"] == judge) & (robustness["label"] == "harmful")
    table = robustness[chosen & ~robustness["variant"].isin(list(controls))]
    if table.empty:
        raise DataError(f"no rates by judge {judge!r}; judges: {', '.join(names_of(robustness, 'judge'))}")
    models, variants = names_of(table, "model"), names_of(table, "variant")
    used = {column: shown for column, shown in SERIES.items() if table[column].notna().any()}
    labeled = table["labeled"].dropna()
    prompts = f"{int(labeled.max())} harmful prompts with human labels" if len(labeled) else "no human labels"
    title = "Harmful prompts refused, corrected for the judge's errors"
    scored = table["refused"] + table["not_refused"] if "not_refused" in table else table.get("scored", ())
    lines = f"lines: {confidence:.0%} intervals"
    notes = [f"judge: {labels.judge(judge)}", number_of(scored, "responses per rate"), prompts, lines]
    keys = [
        marker_key(name, {"color": mixed(look().original, 0.3 * place), "marker": marker, "filled": place % 2 == 0})
        for place, (name, marker) in enumerate(used.values())
    ]
    with figure_style():
        names = row_labels([labels.model(model) for model in models])
        across = min(len(variants), 1 if narrow() else MOST_COLUMNS)
        down = -(-len(variants) // across)
        row = max(SUB_ROW * len(used) + 0.12, 0.14 * most_lines(names) + 0.05)
        height = down * (row * len(models) + 0.34) + 0.3
        drawn = new_figure(height + heading_height(title, notes) + legend_height(keys))
        panels = drawn.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for axes, variant in zip(panels.flat, variants, strict=False):
            rows = table[table["variant"] == variant].set_index("model").reindex(models)
            base = look().original if variant == ORIGINAL else look().edit
            for place, (column, (name, marker)) in enumerate(used.items()):
                interval_dots(
                    axes,
                    np.arange(len(models)) + (place - (len(used) - 1) / 2) * 0.7 / max(len(used), 2),
                    100 * rows[[column, f"{column}_low", f"{column}_high"]].to_numpy(float),
                    color=mixed(base, 0.3 * place),
                    marker=marker,
                    filled=place % 2 == 0,
                    label=name,
                    size=4.2,
                )
            axes.set_title(labels.variant(variant), loc="left")
            axes.set_xlim(-2.5, 102.5)
            finish_rows(axes, len(models))
        hide_rest(panels, len(variants))
        for axes in panels[-1]:
            axes.set_xlabel("harmful prompts refused (%)")
        name_rows(panels, names)
        add_legend(drawn, keys)
        add_heading(drawn, title, notes)
    return drawn
