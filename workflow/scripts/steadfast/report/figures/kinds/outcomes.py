"""Outcomes of harmful prompts: a bar of three parts for each model and variant."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.response_outcomes import OUTCOMES
from steadfast.report.figures.heading import add_heading, add_legend, heading_height, legend_height, number_of
from steadfast.report.figures.look import look, narrow, width
from steadfast.report.figures.panels import hide_rest
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import FAINT, INK, PARTS, figure_style, message_figure, new_figure, patch_key
from steadfast.report.figures.text_fitting import characters, inches_of, most_lines, row_labels, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAR = 0.2
LEAST_SHOWN = 0.08
HATCHES = {"neither": "....."}


class Settings(FigureSettings):
    """Outcomes of harmful prompts: refused, complied with, or neither."""

    reads: ClassVar[tuple[str, ...]] = ("outcomes",)


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure; sweeps are left out."""
    del settings
    table = data["outcomes"]
    shown = table[~table["variant"].isin(list(about.swept))]
    return {"outcomes": figure(shown, about.labels, about.rubric_labels, judge=about.reference)}


def figure(
    outcomes: pd.DataFrame,
    labels: Labels | None = None,
    rubric_labels: Mapping[str, str] | None = None,
    *,
    judge: str = "",
) -> "Figure":
    """Draw one panel per judge of compliance, and in it one bar per model and variant.

    Parts are shares of the responses to harmful prompts, with counts. What is missing to the full length was not
    scored.

    Args:
        outcomes: a table from ``tables.response_outcomes``.
        labels: display labels.
        rubric_labels: display labels of the judges of compliance.
        judge: whose verdicts the refusals are.
    """
    labels = labels or Labels()
    if outcomes.empty:
        return message_figure("no response to a harmful prompt was judged for compliance")
    judges = names_of(outcomes, "compliance_judge")
    pairs = list(dict.fromkeys(zip(outcomes["model"], outcomes["variant"], strict=True)))
    title = "What became of harmful prompts"
    known = dict(rubric_labels or {})
    notes = [
        f"refusals by {labels.judge(judge)}" if judge else "",
        f"compliance by {known.get(judges[0], labels.judge(judges[0]))}" if len(judges) == 1 else "",
        number_of(outcomes["total"], "responses per bar"),
        "missing to the full length: unscored" if (outcomes["unscored"] > 0).any() else "",
    ]
    keys = [patch_key(name, **_style(name)) for name in OUTCOMES if (outcomes[name] > 0).any()]
    with figure_style():
        variants = [labels.variant(variant) for _, variant in pairs]
        models = row_labels([labels.model(model) for model, _ in pairs], 0.25)
        across = min(len(judges), 1 if narrow() else 3)
        down = -(-len(judges) // across)
        starts = [row for row, (model, _) in enumerate(pairs) if row == 0 or pairs[row - 1][0] != model]
        row = max(BAR, 0.14 * most_lines(models) * len(starts) / len(pairs))
        height = down * (row * len(pairs) + 0.35) + 0.35
        drawn = new_figure(height + heading_height(title, notes) + legend_height(keys))
        panels = drawn.subplots(down, across, squeeze=False, sharey=True, sharex=True)
        for axes, compliance in zip(panels.flat, judges, strict=False):
            own = outcomes[outcomes["compliance_judge"] == compliance].set_index(["model", "variant"])
            for place, pair in enumerate(pairs):
                if pair in own.index:
                    _bar(axes, place, own.loc[[pair]].to_dict("records")[0])
            if len(judges) > 1:
                room = characters((width() - 2.0) / across)
                axes.set_title(wrap(f"compliance by {known.get(compliance, labels.judge(compliance))}", room))
            axes.set_xlim(0, 100)
            axes.spines["left"].set_visible(False)
            axes.tick_params(axis="y", length=0)
            for start in starts[1:]:
                axes.axhline(start - 0.5, color=FAINT, linewidth=0.5)
        hide_rest(panels, len(judges))
        for axes in panels[-1]:
            axes.set_xlabel("harmful prompts (%)")
        panels[0, 0].set_yticks(range(len(pairs)), variants)
        panels[0, 0].set_ylim(len(pairs) - 0.5, -0.5)
        for axes in panels[:, 0]:
            groups = axes.secondary_yaxis("left")
            ends = [*starts[1:], len(pairs)]
            groups.set_yticks([(start + end - 1) / 2 for start, end in zip(starts, ends, strict=True)])
            groups.set_yticklabels([models[start] for start in starts], fontweight="bold", va="center")
            groups.spines[:].set_visible(False)
            groups.tick_params(length=0, pad=6 + 72 * inches_of(variants))
        add_legend(drawn, keys)
        add_heading(drawn, title, notes)
    return drawn


def _bar(axes: "Axes", place: int, row: Mapping[Any, Any]) -> None:
    left = 0.0
    for name in OUTCOMES:
        share = 100 * row[name] / row["total"] if row["total"] else 0.0
        axes.barh(place, share, left=left, height=0.82, **_style(name))
        if share >= 100 * LEAST_SHOWN:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5} if name in HATCHES else None
            axes.text(
                left + share / 2,
                place,
                f"{row[name]:.0f}",
                ha="center",
                va="center",
                bbox=box,
                color=INK if name in HATCHES else "white",
                fontsize=0.82 * look().font_size,
            )
        left += share


def _style(name: str) -> dict[str, Any]:
    """Refused as in the other figures; compliance in the edit's color."""
    fill = {"refused": PARTS["refused"], "complied": look().edit}.get(name, "#f4f1e6")
    hatch = HATCHES.get(name)
    return {"facecolor": fill, "hatch": hatch, "edgecolor": FAINT if hatch else "white", "linewidth": 0.4}
