"""Refusals of every model–variant pair by every judge (the study's Figure 4 and its appendix)."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from steadfast.analysis.tables.about import About
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.core.names import PROMPT_LABELS
from steadfast.report.figures.cells import (
    CELL_HEIGHT,
    bar_height,
    cell_width,
    color_bar,
    draw_cells,
    label_columns,
    label_height,
    line_of,
    name_baselines,
    text_size,
)
from steadfast.report.figures.heading import add_heading, heading_height, number_of
from steadfast.report.figures.settings import FigureSettings
from steadfast.report.figures.style import INK, figure_style, new_figure
from steadfast.report.figures.text_fitting import inches_of, row_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Numbers = Literal["percent", "counts"]


class Settings(FigureSettings):
    """Refusal rates of every model and variant by every judge, one heat map per prompt label."""

    reads: ClassVar[tuple[str, ...]] = ("counts",)
    pictures: ClassVar[tuple[str, ...]] = tuple(f"refusal_heatmap_{label}" for label in PROMPT_LABELS)

    numbers: Numbers = Field("percent", description="What cells hold: percent of the scored responses, or refusals.")


def draw(data: Mapping[str, pd.DataFrame], about: About, settings: Settings) -> "dict[str, Figure]":
    """One figure per label; controls and sweeps are left out."""
    counts = data["counts"]
    counts = counts[~counts["variant"].isin([*about.controls, *about.swept])]
    return {
        f"refusal_heatmap_{label}": figure(
            counts, label, about.labels, baselines=about.baselines, numbers=settings.numbers
        )
        for label in names_of(counts, "label")
    }


def figure(
    counts: pd.DataFrame,
    label: str,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
    baselines: Collection[str] = (),
    numbers: Numbers = "percent",
) -> "Figure":
    """Draw refusal rates, models and variants as rows, judges as columns.

    The color is the percentage of the scored responses that were refused. A cell with unscored responses is hatched and
    tells their number after a plus sign; one without any scored response has a dash in place of the number.

    Args:
        counts: a table from ``tables.counts``.
        label: ``harmful`` or ``harmless``.
        labels: display labels.
        controls: variants with the role *control*, which are left out.
        baselines: judges that do not read the response, which stand apart.
        numbers: what the cells hold.
    """
    labels = labels or Labels()
    table = counts[(counts["label"] == label) & ~counts["variant"].isin(list(controls))]
    columns = line_of(names_of(table, "judge"), baselines)
    pairs = list(dict.fromkeys(zip(table["model"].tolist(), table["variant"].tolist(), strict=True)))
    wide = _wide(table, pairs, columns.names)
    scored = wide["refused"] + wide["not_refused"]
    rate = 100 * np.divide(wide["refused"], scored, out=np.full(scored.shape, np.nan), where=scored > 0)
    unscored = np.nan_to_num(wide["unscored"])
    counted = rate if numbers == "percent" else wide["refused"]
    texts = [[_text(*cell) for cell in zip(*rows, strict=True)] for rows in zip(counted, scored, unscored, strict=True)]
    names = [labels.judge(judge) for judge in columns.names]
    variants = [labels.variant(variant) for _, variant in pairs]
    starts = [row for row, (model, _) in enumerate(pairs) if row == 0 or pairs[row - 1][0] != model]
    title = f"{label.capitalize()} prompts refused, by judge"
    what = "% of scored responses refused" if numbers == "percent" else "refused responses"
    notes = [
        f"numbers: {what}",
        number_of(table["total"], "responses per cell"),
        "+n?: n unscored" if (table["unscored"] > 0).any() else "",
    ]
    with figure_style():
        models = row_labels([labels.model(model) for model, _ in pairs], 0.22)
        variant_width, model_width = inches_of(variants), inches_of(models)
        left = variant_width + model_width + 0.3
        cell = cell_width(columns.end + 0.5, left)
        height = (
            heading_height(title, notes) + CELL_HEIGHT * len(pairs) + label_height(names, cell) + 0.35 + bar_height()
        )
        drawn = new_figure(height)
        axes = drawn.add_subplot()
        source = draw_cells(axes, rate, texts, (0.0, 100.0), unscored > 0, columns=columns, size=text_size(texts, cell))
        axes.set_yticks(range(len(pairs)), variants)
        label_columns(axes, names, top=True, columns=columns, cell=cell)
        name_baselines(axes, columns, baselines)
        groups = axes.secondary_yaxis("left")
        groups.set_yticks([(start + stop - 1) / 2 for start, stop in _spans(starts, len(pairs))])
        groups.set_yticklabels([models[start] for start in starts], fontweight="bold", va="center")
        groups.spines[:].set_visible(False)
        groups.tick_params(length=0, pad=6 + 72 * variant_width)
        for start in starts[1:]:
            axes.axhline(start - 0.5, color="white", linewidth=4)
            axes.axhline(start - 0.5, color=INK, linewidth=0.5, xmin=-0.02, clip_on=False)
        color_bar(drawn, axes, source, f"{label} prompts refused", percent=True)
        add_heading(drawn, title, notes)
    return drawn


def _wide(table: pd.DataFrame, pairs: list[tuple[str, str]], judges: tuple[str, ...]) -> dict[str, Any]:
    """Tables [pairs, judges] of the columns of counts."""
    return {
        column: table.pivot(index=["model", "variant"], columns="judge", values=column)
        .reindex(index=pd.MultiIndex.from_tuples(pairs), columns=list(judges))
        .to_numpy(float)
        for column in ("refused", "not_refused", "unscored")
    }


def _spans(starts: list[int], end: int) -> list[tuple[int, int]]:
    return list(zip(starts, [*starts[1:], end], strict=True))


def _text(number: float, scored: float, unscored: float) -> str:
    shown = "–" if not scored > 0 else f"{number:.0f}"
    return f"{shown} +{unscored:.0f}?" if unscored > 0 else shown
