"""Agreement of the judges, and judge sensitivity of the conclusions."""

import pandas as pd

from steadfast.analysis.tables.agreement import LEAST
from steadfast.analysis.tables.outcomes import CONCLUSIONS, legend, outcome
from steadfast.analysis.tables.ranking import LEAST_MODELS
from steadfast.core.names import HARMFUL
from steadfast.grid import paths
from steadfast.report.blocks import Block, Column, cells, prose, table
from steadfast.report.figures.heading import number_of
from steadfast.report.sections._section import SUBSETS, Section, grid_of, judge_column, pair_columns
from steadfast.report.study import Study

METRICS = {
    "cohen_kappa": "Cohen’s κ",
    "mcc": "Matthews correlation",
    "f1": "F1",
    "accuracy": "Raw agreement",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "coverage": "Coverage",
    "pearson_counts": "Pearson correlation of counts (the study’s)",
}


def build(study: Study) -> list[Block]:
    """Agreement of every pair, and conclusions by every judge."""
    agreement = study.tables["agreement"]
    metrics = {metric: title for metric, title in METRICS.items() if metric != "coverage" or _varies(agreement, metric)}
    parts = {
        f"{metric}|{subset}": chosen
        for metric in metrics
        for subset in SUBSETS
        if len(chosen := agreement[(agreement["metric"] == metric) & (agreement["subset"] == subset)])
    }
    values = {key: grid_of(chosen, study.judges, study.judges, ["judge_a"], "judge_b") for key, chosen in parts.items()}
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
            note=f"Rows are judges, columns the judges that they are compared with. {_scope(study)}",
            n={key: _shared(chosen) for key, chosen in parts.items()},
            pdf="agreement_{}",
        ),
        *_conclusions(study),
    ]


def _scope(study: Study) -> str:
    """What is left out of the matrices."""
    controls = "Responses of controls are left out. " if study.controls else ""
    return f"{controls}Measures that rest on fewer than {LEAST} refusals or non-refusals are not shown."


def _shared(agreement: pd.DataFrame) -> str:
    """How many responses a cell of a matrix rests on."""
    return f"{number_of(agreement.loc[agreement['n'] > 0, 'n'], 'responses')} of each two judges"


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
    rates = study.tables["robustness"]
    rates = rates[(rates["label"] == HARMFUL) & rates["variant"].isin(conclusions["variant"])]
    scored = rates["refused"] + rates["not_refused"]
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
            note="Rows are models and variants, columns judges. Harmful prompts; margin "
            f"{100 * study.margin:g} points: {legend(CONCLUSIONS, drawn)}.",
            n=f"{number_of(scored[scored > 0], 'scored responses')} per conclusion",
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
    caption = f"Stability of the model ranking across judges ({LEAST_MODELS} models or more)"
    return [table("ranking", caption, study.tables["ranking"], columns, source=paths.table("ranking"), fold=True)]


SECTION = Section("judges", "Judges compared", ("agreement", "conclusions", "robustness"), build, ("ranking",))
