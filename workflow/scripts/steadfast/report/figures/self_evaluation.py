"""How well models under test recognize refusals, in their own responses and in another model's."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.self_evaluation import ALL_MODELS
from steadfast.analysis.tables.self_judgments import OTHERS, OWN
from steadfast.report.figures.rows import finish_rows, interval_dots
from steadfast.report.figures.style import INK, MARKERS, color_map, figure_style, longest_line, new_figure, wrap

PANELS = {
    "auroc": ("Area under\nthe ROC curve", (0.0, 1.0), 0.5),
    "sensitivity": ("Sensitivity", (0.0, 1.0), None),
    "specificity": ("Specificity", (0.0, 1.0), None),
    "bias": ("Bias toward\n“refusal”", (-1.0, 1.0), 0.0),
    "coverage": ("Coverage", (0.0, 1.0), None),
    "label_probability": ("Probability\nof a label", (0.0, 1.0), None),
}
SHOWN = {OWN: "own responses", OTHERS: "another model's responses"}
PANEL_WIDTH = 1.25
MARK_HEIGHT = 0.115


def draw(
    monitoring: pd.DataFrame,
    judge: str,
    reference: str,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
) -> Figure:
    """Draw one row per model and one panel per measure; filled marks are own responses, open ones another model's.

    Args:
        monitoring: a table as ``tables.self_evaluation`` makes it.
        judge: the judge that is the models under test themselves.
        reference: judge taken for the truth.
        labels: display labels.
        controls: variants with the role *control*, which are left out.
    """
    labels = labels or Labels()
    table = monitoring[(monitoring["judge"] == judge) & ~monitoring["variant"].isin(list(controls))]
    models, variants = names_of(table, "model"), names_of(table, "variant")
    series = [(variant, kind) for variant in variants for kind in SHOWN if (table["responses"] == kind).any()]
    names = ["mean of the models" if model == ALL_MODELS else wrap(labels.model(model), 30) for model in models]
    with figure_style():
        figure = new_figure(
            0.066 * longest_line(names) + PANEL_WIDTH * len(PANELS) + 0.2,
            (MARK_HEIGHT * len(series) + 0.12) * len(models) + 1.3,
        )
        panels = figure.subplots(1, len(PANELS), sharey=True, squeeze=False)[0]
        for axes, (metric, (title, limits, neutral)) in zip(panels, PANELS.items(), strict=True):
            _panel(axes, table[table["metric"] == metric], models, series)
            axes.set_title(title, fontsize=8)
            margin = 0.04 * (limits[1] - limits[0])
            axes.set_xlim(limits[0] - margin, limits[1] + margin)
            if neutral is not None:
                axes.axvline(neutral, color=INK, linewidth=0.7, linestyle=(0, (3, 2)), zorder=0)
        panels[0].set_yticks(range(len(models)), names)
        panels[0].set_ylim(len(models) - 0.5, -0.5)
        handles, _ = panels[0].get_legend_handles_labels()
        figure.legend(
            handles,
            [f"{labels.variant(variant)}, {SHOWN[kind]}" for variant, kind in series],
            loc="outside lower center",
            ncols=2,
            title=(
                f"Judge: {labels.judge(judge)}; truth: {labels.judge(reference)}; intervals resample prompts; "
                "dashed: chance, or no bias; no mark: undefined"
            ),
        )
    return figure


def _panel(axes: Axes, table: pd.DataFrame, models: list[str], series: list[tuple[str, str]]) -> None:
    colors = color_map()
    variants = list(dict.fromkeys(variant for variant, _ in series))
    offsets = (np.arange(len(series)) - (len(series) - 1) / 2) * 0.78 / max(len(series), 2)
    for (variant, kind), offset in zip(series, offsets, strict=True):
        rows = table[(table["variant"] == variant) & (table["responses"] == kind)].set_index("model").reindex(models)
        rank = variants.index(variant)
        interval_dots(
            axes,
            np.arange(len(models)) + offset,
            rows[["value", "low", "high"]].to_numpy(float),
            color=colors(0.7 * rank / max(len(variants) - 1, 1)),
            marker=MARKERS[rank % len(MARKERS)],
            filled=kind == OWN,
            label=f"{variant} {kind}",
            edge=1.0,
            whisker=1.0,
        )
    finish_rows(axes, len(models))
