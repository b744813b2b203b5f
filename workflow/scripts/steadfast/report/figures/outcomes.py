"""Harmful prompts by what became of them: a bar of three parts for each model and variant."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.response_outcomes import OUTCOMES
from steadfast.report.figures.style import FAINT, INK, color_map, figure_style, message_figure, new_figure, wrap

BAR = 0.24
HATCHES = {"refused": "", "complied": "////", "neither": "...."}
LEAST_SHOWN = 0.06


def draw(outcomes: pd.DataFrame, labels: Labels | None = None) -> Figure:
    """Draw one panel per judge of compliance, and in it one bar per model and variant.

    Parts are shares of the responses to harmful prompts, with counts; they differ in hatching as well as in color.
    What is missing to the full length was not scored.

    Args:
        outcomes: a table as ``tables.response_outcomes`` makes it.
        labels: display labels.
    """
    labels = labels or Labels()
    if outcomes.empty:
        return message_figure("no response to a harmful prompt was judged for compliance")
    judges = names_of(outcomes, "compliance_judge")
    pairs = list(dict.fromkeys(zip(outcomes["model"], outcomes["variant"], strict=True)))
    colors = dict(zip(OUTCOMES, color_map()(np.array([0.1, 0.85, 0.5])), strict=True))
    with figure_style():
        figure = new_figure(1.6 + 2.6 * len(judges), 0.9 + BAR * len(pairs))
        panels = figure.subplots(1, len(judges), squeeze=False, sharey=True)[0]
        for axes, judge in zip(panels, judges, strict=True):
            own = outcomes[outcomes["compliance_judge"] == judge].set_index(["model", "variant"])
            for place, pair in enumerate(pairs):
                if pair in own.index:
                    _bar(axes, place, own.loc[[pair]].to_dict("records")[0], colors)
            axes.set_title(wrap(f"compliance by {labels.judge(judge)}", 34))
            axes.set_xlim(0, 1)
            axes.set_xticks([0, 0.5, 1], ["0", "50%", "100%"])
            axes.set_xlabel("harmful prompts")
        names = [f"{labels.model(model)}, {labels.variant(variant)}" for model, variant in pairs]
        panels[0].set_yticks(range(len(pairs)), [wrap(name, 34) for name in names])
        panels[0].invert_yaxis()
        handles = [Patch(label=name, **_style(name, colors)) for name in OUTCOMES]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(OUTCOMES))
    return figure


def _bar(axes: Axes, place: int, row: Mapping[Any, Any], colors: Mapping[str, Any]) -> None:
    left = 0.0
    for name in OUTCOMES:
        share = row[name] / row["total"] if row["total"] else 0.0
        axes.barh(place, share, left=left, height=0.8, **_style(name, colors))
        if share >= LEAST_SHOWN:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
            middle = left + share / 2
            axes.text(middle, place, str(row[name]), ha="center", va="center", fontsize=7, color=INK, bbox=box)
        left += share


def _style(name: str, colors: Mapping[str, Any]) -> dict[str, Any]:
    return {"facecolor": colors[name], "hatch": HATCHES[name], "edgecolor": FAINT, "linewidth": 0.4}
