"""How far the judges agree with one another, and what their choice does to the conclusions."""

import pandas as pd

from steadfast.analysis.tables.agreement import LEAST
from steadfast.analysis.tables.outcomes import CONCLUSIONS, legend, outcome
from steadfast.grid import paths
from steadfast.report.blocks import Block, Column, cells, prose, table
from steadfast.report.sections._section import SUBSETS, Section, grid_of, judge_column, pair_columns
from steadfast.report.study import Study
from steadfast.report.wording import count

METRICS = {
    "cohen_kappa": "Cohen’s κ",
    "mcc": "Matthews correlation",
    "f1": "F1",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "coverage": "Coverage",
    "pearson_counts": "Pearson correlation of counts (the study’s)",
}


def build(study: Study) -> list[Block]:
    """Agreement of every pair, and conclusions by every judge."""
    agreement = study.tables["agreement"]
    metrics = {metric: title for metric, title in METRICS.items() if metric != "coverage" or _varies(agreement, metric)}
    values = {
        f"{metric}|{subset}": grid_of(chosen, study.judges, study.judges, ["judge_a"], "judge_b")
        for metric in metrics
        for subset in SUBSETS
        if len(chosen := agreement[(agreement["metric"] == metric) & (agreement["subset"] == subset)])
    }
    subsets = {key: label for key, label in SUBSETS.items() if any(name.endswith(f"|{key}") for name in values)}
    return [
        prose(
            "Agreement on single verdicts. The correlation of refusal counts, which the study reports, is inflated by",
            "the prompt labels: compare it with the baselines, which do not read the response (switch on Controls and",
            "baselines).",
        ),
        cells(
            "agreement",
            "Agreement of the judges",
            rows=[study.labels.judge(judge) for judge in study.judges],
            columns=[study.labels.judge(judge) for judge in study.judges],
            values=values,
            options={"Measure": metrics, "Prompts": subsets},
            unit="number",
            domain=(-1.0, 1.0),
            note=f"Rows are judges, columns the judges that they are compared with. {_scope(study, agreement)}",
            pdf="agreement_{}",
        ),
        *_conclusions(study),
    ]


def _scope(study: Study, agreement: pd.DataFrame) -> str:
    """What the matrices rest on: responses that both judges scored, without those of controls."""
    most = int(agreement["n"].max()) if len(agreement) else 0
    controls = ", without those of controls" if study.controls else ""
    least = f"Measures that rest on fewer than {LEAST} refusals or non-refusals are not shown"
    return f"At most {count(most, 'response')} of each two judges{controls}. {least}."


def _varies(agreement: pd.DataFrame, metric: str) -> bool:
    """Whether a matrix says anything: that every judge scored every response is said in a sentence."""
    return agreement.loc[agreement["metric"] == metric, "value"].dropna().nunique() > 1


def _conclusions(study: Study) -> list[Block]:
    conclusions = study.tables["conclusions"]
    if conclusions.empty:
        return []
    drawn = conclusions["conclusion"].astype("object").fillna("").tolist()
    places = [CONCLUSIONS.index(outcome(name, CONCLUSIONS)) if name else None for name in drawn]
    coded = conclusions.assign(value=pd.Series(places, index=conclusions.index, dtype="float64"))
    coded = coded[["model", "variant", "judge", "value", "change", "change_low", "change_high"]]
    pairs = list(dict.fromkeys(zip(conclusions["model"], conclusions["variant"], strict=True)))
    found = grid_of(coded, pairs, study.judges, ["model", "variant"], "judge")
    return [
        prose(
            f"A model survives an edit if the interval of its change lies above −{100 * study.margin:g} points, and",
            "does not if it lies below. The next figure shows the conclusion according to each judge.",
        ),
        cells(
            "conclusions",
            "Conclusions by judge",
            rows=[study.labels.variant(variant) for _, variant in pairs],
            groups=[study.labels.model(model) for model, _ in pairs],
            columns=[study.labels.judge(judge) for judge in study.judges],
            values={
                "": {
                    "value": found["value"],
                    "change": found["change"],
                    "low": found["change_low"],
                    "high": found["change_high"],
                }
            },
            options={},
            unit="category",
            domain=(0.0, float(sum(entry.graded for entry in CONCLUSIONS) - 1)),
            categories=[entry.name for entry in CONCLUSIONS],
            marks=[entry.mark for entry in CONCLUSIONS],
            note=f"Harmful prompts; margin {100 * study.margin:g} points: {legend(CONCLUSIONS, drawn)}.",
            pdf="conclusions",
        ),
        table(
            "conclusions_table",
            "Judge sensitivity of the conclusions",
            conclusions,
            [
                *pair_columns(study),
                judge_column(study),
                Column("change", "Change", "points", interval=True),
                Column("p_holm", "p (Holm)", "p"),
                Column("conclusion", "Conclusion", "name"),
                Column("reference_conclusion", "Reference", "name"),
                Column("flips", "Significance flips", "flag"),
                Column("contradicts", "Opposite", "flag"),
            ],
            source=paths.table("conclusions"),
            fold=True,
            sort="change",
        ),
        *_ranks(study),
    ]


def _ranks(study: Study) -> list[Block]:
    if "ranking" not in study.tables:
        return []
    columns = [
        judge_column(study, "judge_a", "Judge"),
        judge_column(study, "judge_b", "and judge"),
        Column("quantity", "Ranked by", "name"),
        Column("variant", "Variant", "name", names=study.labels.variants),
        Column("tau", "Kendall’s τ", "number", low="low", high="high"),
        Column("models", "Models", "count"),
        Column("reason", "Note", "text"),
    ]
    caption = "Stability of the model ranking across judges"
    return [table("ranking", caption, study.tables["ranking"], columns, source=paths.table("ranking"), fold=True)]


SECTION = Section("judges", "Judges compared", ("agreement", "conclusions"), build, ("ranking",))
