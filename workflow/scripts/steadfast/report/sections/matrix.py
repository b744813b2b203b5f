"""Every model–variant pair by every judge: the heat maps."""

import pandas as pd

from steadfast.report.blocks import Block, cells, prose
from steadfast.report.figures.heading import number_of
from steadfast.report.sections._section import PROMPTS, REFUSED, SUBSETS, Section, grid_of
from steadfast.report.study import Study


def build(study: Study) -> list[Block]:
    """Models and variants as rows, judges as columns."""
    robustness = study.tables["robustness"]
    values = {}
    for label in PROMPTS:
        found = grid_of(
            robustness[robustness["label"] == label], study.pairs, study.judges, ["model", "variant"], "judge"
        )
        values[label] = {
            "value": found["rate"],
            "low": found["rate_low"],
            "high": found["rate_high"],
            "count": found["refused"],
            "hatched": found["unscored"],
        }
    return [
        prose("The same responses judged by each judge: a row with more than one color shows disagreement."),
        cells(
            "refusal_heatmap",
            "Refusals by judge",
            rows=[study.labels.variant(variant) for _, variant in study.pairs],
            groups=[study.labels.model(model) for model, _ in study.pairs],
            columns=[study.labels.judge(judge) for judge in study.judges],
            values=values,
            options={"Prompts": {label: SUBSETS[label] for label in PROMPTS}},
            unit="share",
            domain=(0.0, 1.0),
            axis=REFUSED,
            note="Rows are models and variants, columns judges. Percent of the scored responses that were refused, as "
            "number and color." + (" +n?: n unscored." if (robustness["unscored"] > 0).any() else ""),
            n={label: _scored(robustness[robustness["label"] == label]) for label in PROMPTS},
            pdf="refusal_heatmap_{}",
        ),
    ]


def _scored(rates: pd.DataFrame) -> str:
    """How many scored responses a cell rests on."""
    return f"{number_of(rates['refused'] + rates['not_refused'], 'scored responses')} per cell"


SECTION = Section("matrix", "Judge × model", ("robustness",), build, ("counts",))
