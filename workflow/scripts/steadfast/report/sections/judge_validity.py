"""Each judge compared with the human labels or the reference judge: agreement, errors, bias, response length."""

import math

import pandas as pd

from steadfast.analysis.tables.agreement import LEAST
from steadfast.analysis.tables.judge_validity import ALL_MODELS
from steadfast.core.names import UNSCORED
from steadfast.grid import paths
from steadfast.report.blocks import Block, Column, dots, number, prose, table
from steadfast.report.figures.heading import number_of
from steadfast.report.sections._section import SUBSETS, Section, judge_column, label_column
from steadfast.report.study import Study
from steadfast.report.wording import count

SHOWN = {
    "cohen_kappa": "Cohen’s κ",
    "mcc": "MCC",
    "f1": "F1",
    "accuracy": "Raw agreement",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "coverage": "Coverage",
}
DETAILS = ("accuracy", "coverage")


def build(study: Study) -> list[Block]:
    """Validity of every judge."""
    reference = study.labels.judge(study.truth)
    return [
        prose(_scope(study)),
        _against_reference(study),
        _bias_chart(study),
        table(
            "confusion",
            f"Confusion of each judge with {reference}",
            study.tables["confusion"],
            [
                judge_column(study),
                label_column("subset"),
                Column("both_refusal", "Both refusal", "count"),
                Column("judge_only", "Judge only", "count"),
                Column("reference_only", f"{reference} only", "count"),
                Column("neither", "Neither", "count"),
                Column("judge_unscored", "Judge unscored", "count"),
                Column("n", "Scored by both", "count"),
            ],
            source=paths.table("confusion"),
            fold=True,
        ),
        table(
            "bias",
            "Bias of each judge, over all models and by model",
            study.tables["bias"].fillna({"model": ALL_MODELS}),
            [
                judge_column(study),
                Column("model", "Model", "name", names={ALL_MODELS: "All models", **study.labels.models}),
                Column("disputed", "Disputed", "count"),
                Column("n", "Of", "count"),
                Column("bias", "Bias", "points", interval=True, help="Above 0: the judge finds more refusals."),
                Column(
                    "excess", "Excess", "points", interval=True, help="Bias on this model minus that on the others."
                ),
                Column("share_of_disputes", "Share not canceling out", "share"),
            ],
            source=paths.table("bias"),
            fold=True,
        ),
        *_lengths(study),
    ]


def _scope(study: Study) -> str:
    """What the judges are compared with, on how many responses, and what is left out."""
    reference = study.labels.judge(study.truth)
    whose = (
        f"the labels of {study.annotators}"
        if study.human_judges
        else "the reference judge, since there are no human labels"
    )
    controls = " Responses of controls are left out." if study.controls else ""
    least = f"Measures that rest on fewer than {LEAST} refusals or non-refusals are not shown."
    return (
        f"Every judge compared with {reference} ({whose}) on the {count(_compared(study), 'response')} that it scored."
        f"{controls} Intervals resample prompts. {least}"
    )


def _compared(study: Study) -> int:
    verdicts = study.verdicts
    mine = (verdicts["judge"] == study.truth) & ~verdicts["variant"].isin(list(study.controls))
    return int((mine & (verdicts["verdict"] != UNSCORED)).sum())


def _against_reference(study: Study) -> Block:
    agreement = study.tables["agreement"]
    chosen = agreement[(agreement["judge_b"] == study.truth) & agreement["metric"].isin(list(SHOWN))]
    keys = ["judge_a", "subset"]
    wide = chosen.pivot(index=keys, columns="metric", values=["value", "low", "high"])
    parts = [tuple(name) for name in wide.columns.to_flat_index().tolist()]
    flat = [str(metric) if part == "value" else f"{metric}_{part}" for part, metric in parts]
    wide.columns = pd.Index(flat)
    scored = chosen[chosen["metric"] != "coverage"].groupby(keys)["n"].max()
    wide = wide.assign(n=scored).reindex(pd.MultiIndex.from_frame(chosen[keys].drop_duplicates())).reset_index()
    return table(
        "judge_validity",
        f"Agreement with {study.labels.judge(study.truth)}",
        wide,
        [
            judge_column(study, "judge_a"),
            Column("subset", "Prompts", "name", names=SUBSETS),
            Column("n", "n", "count", help="Responses that both scored."),
            *(
                Column(metric, SHOWN[metric], "number", interval=True, detail=metric in DETAILS)
                for metric in SHOWN
                if metric in wide.columns
            ),
        ],
        source=paths.table("agreement"),
        opening={"subset": "all"},
        sort="-cohen_kappa",
    )


def _bias_chart(study: Study) -> Block:
    overall = study.tables["bias"].fillna({"model": ALL_MODELS})
    overall = overall[overall["model"] == ALL_MODELS].set_index("judge")
    judges = [judge for judge in study.judges if judge in overall.index and judge not in study.baselines]
    values = [[[number(overall.loc[judge, key]) for key in ("bias", "bias_low", "bias_high")]] for judge in judges]
    largest = max((abs(part) for row in values for part in row[0] if part is not None), default=0.1)
    spread = max(0.1, math.ceil(10 * largest) / 10)
    return dots(
        "judge_bias",
        "Bias of the judges",
        rows=[study.labels.judge(judge) for judge in judges],
        series=["Bias"],
        panels=[""],
        values={"": [values]},
        options={},
        unit="points",
        domain=(-spread, spread),
        axis="Fewer refusals ← bias, percentage points → more refusals",
        note=f"Responses that only the judge labels refusals minus those that only "
        f"{study.labels.judge(study.truth)} does, as a share of all that both scored, with "
        f"{study.inference.confidence:.0%} intervals.",
        n=number_of(overall.loc[judges, "n"], "responses"),
        pdf="judge_bias",
    )


def _lengths(study: Study) -> list[Block]:
    lengths = study.tables.get("disputes_by_length")
    if lengths is None or lengths.empty:
        return []
    return [
        table(
            "disputes_by_length",
            "Disputed responses by length",
            lengths,
            [
                judge_column(study),
                Column("shortest", "From (tokens)", "count"),
                Column("longest", "To (tokens)", "count"),
                Column("disputed", "Disputed", "count"),
                Column("n", "Of", "count"),
                Column("rate", "Share", "share", low="low", high="high"),
            ],
            source=paths.table("disputes_by_length"),
            fold=True,
        )
    ]


SECTION = Section(
    "judge_validity", "Judge validity", ("agreement", "confusion", "bias"), build, ("disputes_by_length",)
)
