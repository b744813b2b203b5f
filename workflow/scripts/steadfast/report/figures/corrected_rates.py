"""Refusal rates as a judge gives them, and corrected for its errors."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.core.errors import DataError
from steadfast.report.figures.rows import finish_rows, interval_dots
from steadfast.report.figures.style import color_map, figure_style, longest_line, new_figure, wrap

SERIES = {
    "rate": ("as judged (Wilson)", "o"),
    "rogan_gladen": ("Rogan–Gladen", "D"),
    "ppi": ("prediction-powered", "s"),
}
ROW_HEIGHT = 0.62


def draw(
    robustness: pd.DataFrame, judge: str, labels: Labels | None = None, *, controls: Collection[str] = ()
) -> Figure:
    """Draw raw and corrected rates of harmful refusals, one row per model and one panel per variant.

    Args:
        robustness: a table as ``tables.robustness`` makes it.
        judge: whose verdicts are shown.
        labels: display labels.
        controls: variants to leave out.

    Raises:
        DataError: there are no rows by this judge.
    """
    labels = labels or Labels()
    chosen = (robustness["judge"] == judge) & (robustness["label"] == "harmful")
    table = robustness[chosen & ~robustness["variant"].isin(list(controls))]
    if table.empty:
        raise DataError(f"no rates by judge {judge!r}; judges: {', '.join(names_of(robustness, 'judge'))}")
    models, variants = names_of(table, "model"), names_of(table, "variant")
    names = [wrap(labels.model(model), 34) for model in models]
    labeled = table["labeled"].dropna()
    colors = color_map()
    with figure_style():
        figure = new_figure(0.066 * longest_line(names) + 2.6 * len(variants), ROW_HEIGHT * len(models) + 1.2)
        panels = figure.subplots(1, len(variants), sharey=True, squeeze=False)[0]
        for axes, variant in zip(panels, variants, strict=True):
            rows = table[table["variant"] == variant].set_index("model").reindex(models)
            for index, (column, (name, marker)) in enumerate(SERIES.items()):
                interval_dots(
                    axes,
                    np.arange(len(models)) + 0.24 * (index - 1),
                    100 * rows[[column, f"{column}_low", f"{column}_high"]].to_numpy(float),
                    color=colors(0.4 * index),
                    marker=marker,
                    filled=index % 2 == 0,
                    label=name,
                    size=4.5,
                )
            axes.set_title(labels.variant(variant), loc="left")
            axes.set_xlim(-2, 102)
            axes.set_xlabel("harmful prompts refused (%)")
            finish_rows(axes, len(models))
        panels[0].set_yticks(range(len(models)), names)
        panels[0].set_ylim(len(models) - 0.5, -0.5)
        handles, shown = panels[0].get_legend_handles_labels()
        prompts = f"{int(labeled.max())} harmful prompts with human labels" if len(labeled) else "no human labels"
        title = f"Judge: {labels.judge(judge)}; {prompts}; lines are intervals"
        figure.legend(handles, shown, loc="outside lower center", ncols=len(shown), title=title)
    return figure
