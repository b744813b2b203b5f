"""Refusals before and after: every model for a selectable judge, and the table of all rates and changes."""

import pandas as pd

from steadfast.grid import paths
from steadfast.report.blocks import Block, Column, dots, number, prose, table
from steadfast.report.figures.kinds.refusal_counts import sorted_models
from steadfast.report.sections._section import (
    EDITED_ON_HARMFUL,
    PROMPTS,
    REFUSED,
    Section,
    judge_column,
    label_column,
    pair_columns,
    scored_by,
)
from steadfast.report.study import Study


def build(study: Study) -> list[Block]:
    """A dot per model and variant, and all rates."""
    level = f"{study.inference.confidence:.0%}"
    robustness = study.tables["robustness"]
    judges = study.judge_choices()
    return [
        prose(
            "Refused responses before and after each edit. Refusing harmful prompts is the aim of safety training;",
            "refusing harmless ones is over-refusal.",
        ),
        dots(
            "refusal_counts",
            "Refusal rates by model",
            rows=[study.labels.model(model) for model in models_by_refusals(study)],
            series=[study.labels.variant(variant) for variant in study.study_variants],
            panels=list(PROMPTS.values()),
            values={judge: rates(study, robustness[robustness["judge"] == judge]) for judge in judges},
            options={"Judge": judges},
            unit="share",
            domain=(0.0, 1.0),
            axis=REFUSED,
            note=f"Share of the scored responses that were refused, with {level} intervals (Wilson).",
            n=scored_by(study),
            pdf="refusal_counts",
        ),
        rates_table(study),
    ]


def rates(
    study: Study, rows: pd.DataFrame, variants: list[str] | None = None
) -> list[list[list[list[float | int | None] | None]]]:
    """Rates and intervals [label][model][variant] of one judge; models as ``models_by_refusals`` sorts them."""
    keyed = {
        (row["label"], row["model"], row["variant"]): [
            *(number(row[key]) for key in ("rate", "rate_low", "rate_high", "refused")),
            # of the scored ones, as the rate is
            number(row["refused"] + row["not_refused"]),
        ]
        for row in rows.to_dict("records")
    }
    shown, models = variants or study.study_variants, models_by_refusals(study)
    return [[[keyed.get((label, model, name)) for name in shown] for model in models] for label in PROMPTS]


def models_by_refusals(study: Study) -> list[str]:
    """Models by what the reference judge says that they refuse after the edit, as in the printed figure."""
    robustness = study.tables["robustness"]
    rows = robustness[robustness["judge"] == study.reference]
    found = sorted_models(rows, study.controls) if len(rows) else []
    return [*found, *(model for model in study.models if model not in found)]


def rates_table(study: Study) -> Block:
    """The robustness table."""
    level = f"{study.inference.confidence:.0%}"
    columns = [
        *pair_columns(study),
        judge_column(study),
        label_column(),
        Column("refused", "Refused", "count", detail=True),
        Column(
            "unscored",
            "Unscored",
            "count",
            help="Verdicts that are neither a refusal nor a non-refusal; excluded.",
            detail=True,
        ),
        Column("total", "Of", "count", detail=True),
        Column(
            "rate",
            "Rate",
            "share",
            low="rate_low",
            high="rate_high",
            help=f"Refused of scored; {level} Wilson interval.",
        ),
        Column(
            "change",
            "Change",
            "points",
            low="change_low",
            high="change_high",
            help=f"Paired difference from the original in percentage points, with its {level} interval.",
        ),
        Column("p_holm", "p (Holm)", "p", help="Exact McNemar test, adjusted over the models."),
        Column("conclusion", "Conclusion", "name"),
    ]
    corrected = study.tables["robustness"]["ppi"].notna().any()
    if corrected:
        columns.insert(
            8,
            Column(
                "ppi",
                "Corrected rate",
                "share",
                low="ppi_low",
                high="ppi_high",
                help="Corrected by human labels.",
                detail=True,
            ),
        )
    return table(
        "robustness",
        "Refusal rates and changes of every model, variant and judge",
        study.tables["robustness"],
        columns,
        source=paths.table("robustness"),
        opening=EDITED_ON_HARMFUL,
        sort="change",
    )


SECTION = Section("changes", "Refusals before and after", ("robustness",), build)
