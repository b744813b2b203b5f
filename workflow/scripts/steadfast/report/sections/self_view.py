"""Whether the models recognize refusals, their own and another model's, before and after the edit."""

import pandas as pd

from steadfast.analysis.tables.ordering import names_of
from steadfast.report.blocks import Block, dots, numbers, prose
from steadfast.report.figures.heading import number_of
from steadfast.report.sections._section import Section
from steadfast.report.sections._table import whole_table
from steadfast.report.study import Study

MEASURES = {
    "auroc": "Area under the ROC curve",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "cohen_kappa": "Cohen’s κ",
    "coverage": "Coverage",
}
RESPONSES = {"own": "Own responses", "others": "Another model’s responses"}


def build(study: Study) -> list[Block]:
    """A chart for a selectable judge and measure, and the table."""
    table = study.tables["self_evaluation"].fillna({"model": ""})
    return [
        prose(
            "Every model judges its own responses and control responses of another model: a loss on both means that it",
            "judges worse, a loss only on its own that it no longer recognizes its own refusals.",
        ),
        _chart(study, table[table["model"] != ""]),
        whole_table(
            study, "self_evaluation", "Self-evaluation: discrimination of refusals and other responses", fold=True
        ),
    ]


def _chart(study: Study, table: pd.DataFrame) -> Block:
    judges, metrics = names_of(table, "judge"), names_of(table, "metric")
    found = {
        tuple(map(str, row[:5])): numbers(row[5:])
        for row in table[["judge", "metric", "responses", "model", "variant", "value", "low", "high"]].itertuples(
            index=False, name=None
        )
    }
    values = {
        f"{judge}|{metric}": [
            [
                [found.get((judge, metric, responses, model, variant)) for variant in study.variants]
                for model in study.models
            ]
            for responses in RESPONSES
        ]
        for judge in judges
        for metric in metrics
    }
    return dots(
        "self_evaluation_chart",
        "Self-evaluation: discrimination of refusals and other responses",
        rows=[study.labels.model(model) for model in study.models],
        series=[study.labels.variant(variant) for variant in study.variants],
        panels=list(RESPONSES.values()),
        values=values,
        options={
            "Judge": {judge: study.labels.judge(judge) for judge in judges},
            "Measure": {metric: MEASURES.get(metric, metric) for metric in metrics},
        },
        unit="number",
        most=1.0,
        pdf="{}",
        note=f"Compared with {study.labels.judge(study.reference)}; {study.inference.confidence:.0%} intervals "
        "resample prompts.",
        n={
            f"{judge}|{metric}": f"{number_of(rows['n'], 'responses')} per value"
            for (judge, metric), rows in table[table["value"].notna()].groupby(["judge", "metric"], sort=False)
        },
    )


SECTION = Section("self-evaluation", "Self-evaluation", ("self_evaluation",), build)
