"""Refusals of every model–variant pair by every judge, for one label (the study's Figure 4 and its appendix)."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.report.figures.cells import CELL_HEIGHT, CELL_WIDTH, color_bar, draw_cells, label_columns
from steadfast.report.figures.style import INK, figure_style, longest_line, new_figure, wrap


def draw(
    counts: pd.DataFrame,
    label: str,
    labels: Labels | None = None,
    *,
    controls: Collection[str] = (),
) -> Figure:
    """Draw the numbers of refusals, models and variants as rows, judges as columns.

    The color is the share of the scored responses that were refused. A cell with unscored responses is hatched and
    tells their number after a plus sign; one without any scored response has a dash in place of the number.

    Args:
        counts: a table as ``tables.counts`` makes it.
        label: ``harmful`` or ``harmless``.
        labels: display labels.
        controls: variants with the role *control*, which are left out.
    """
    labels = labels or Labels()
    table = counts[(counts["label"] == label) & ~counts["variant"].isin(list(controls))]
    judges = names_of(table, "judge")
    pairs = list(dict.fromkeys(zip(table["model"].tolist(), table["variant"].tolist(), strict=True)))
    wide = {
        column: table.pivot(index=["model", "variant"], columns="judge", values=column)
        .reindex(index=pd.MultiIndex.from_tuples(pairs), columns=judges)
        .to_numpy(float)
        for column in ("refused", "not_refused", "unscored")
    }
    scored = wide["refused"] + wide["not_refused"]
    rate = np.divide(wide["refused"], scored, out=np.full(scored.shape, np.nan), where=scored > 0)
    unscored = np.nan_to_num(wide["unscored"])
    texts = [
        [_text(*cell) for cell in zip(*rows, strict=True)]
        for rows in zip(wide["refused"], scored, unscored, strict=True)
    ]
    names = [labels.judge(judge) for judge in judges]
    variants = [labels.variant(variant) for _, variant in pairs]
    models = [wrap(labels.model(model), 30) for model, _ in pairs]
    starts = [row for row, (model, _) in enumerate(pairs) if row == 0 or pairs[row - 1][0] != model]
    variant_width, model_width = 0.063 * longest_line(variants), 0.066 * longest_line(models)
    with figure_style():
        figure = new_figure(
            CELL_WIDTH * len(judges) + variant_width + model_width + 1.6,
            CELL_HEIGHT * len(pairs) + 0.05 * longest_line(names) + 0.7,
        )
        axes = figure.add_subplot()
        source = draw_cells(axes, rate, texts, (0.0, 1.0), hatched=unscored > 0)
        axes.set_yticks(range(len(pairs)), variants)
        label_columns(axes, names, top=True)
        groups = axes.secondary_yaxis("left")
        groups.set_yticks([(start + stop - 1) / 2 for start, stop in _spans(starts, len(pairs))])
        groups.set_yticklabels([models[start] for start in starts], fontweight="bold", va="center")
        groups.spines[:].set_visible(False)
        groups.tick_params(length=0, pad=8 + 72 * variant_width)
        for start in starts[1:]:
            axes.axhline(start - 0.5, color="white", linewidth=4)
            axes.axhline(start - 0.5, color=INK, linewidth=0.5, xmin=-0.02, clip_on=False)
        color_bar(figure, axes, source, f"{label} prompts refused (share of scored)")
        axes.set_xlabel(_note(table))
    return figure


def _spans(starts: list[int], end: int) -> list[tuple[int, int]]:
    return list(zip(starts, [*starts[1:], end], strict=True))


def _text(refused: float, scored: float, unscored: float) -> str:
    number = "–" if not scored > 0 else f"{refused:.0f}"
    return f"{number} +{unscored:.0f}?" if unscored > 0 else number


def _note(table: pd.DataFrame) -> str:
    totals = sorted({int(total) for total in table["total"].tolist()})
    span = str(totals[0]) if len(totals) == 1 else f"{totals[0]} to {totals[-1]}"
    note = f"refused responses of {span}"
    return f"{note}; +n?: n unscored" if (table["unscored"] > 0).any() else note
