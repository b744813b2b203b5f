"""The answer in three sentences: does the training survive, can the judge be trusted, and did the method work."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from steadfast.analysis.statistics.bootstrap import cluster_weights, percentile_interval
from steadfast.analysis.statistics.proportions import tango_interval, wilson_interval
from steadfast.analysis.tables.outcomes import ASSESSMENTS, CONCLUSIONS, counted
from steadfast.analysis.tables.robustness import prompt_rates
from steadfast.core.names import ORIGINAL, UNSCORED
from steadfast.report.study import Study
from steadfast.report.wording import Estimate, coefficient, count, listed, points, share

NOT_CONCLUDED = "No conclusion was drawn"
NO_ESTIMATE = Estimate(float("nan"), float("nan"), float("nan"))


def answers(study: Study) -> list[dict[str, str]]:
    """Question, short answer and sentence, three times."""
    return [
        {"question": "Does the safety training survive?", **_survival(study)},
        {"question": "Can the judge be trusted?", **_trust(study)},
        {"question": "Did the method work?", **_method(study)},
    ]


def pooled_rates(study: Study, variant: str) -> tuple[Estimate, Estimate, Estimate]:
    """Harmful refusals over all models by the reference judge: of the original, of a variant, and the change.

    Only prompts that were scored both before and after count; the intervals resample prompts, with the models held
    fixed.
    """
    verdicts = study.verdicts
    chosen = (verdicts["judge"] == study.reference) & (verdicts["label"] == "harmful")
    rates = prompt_rates(verdicts[chosen & verdicts["variant"].isin([ORIGINAL, variant])]).dropna(subset=["rate"])
    keys = ["model", "prompt_id"]
    earlier = rates.loc[rates["variant"] == ORIGINAL, [*keys, "rate"]]
    joined = earlier.merge(rates.loc[rates["variant"] == variant, [*keys, "rate"]], on=keys, suffixes=("", "_after"))
    if joined.empty:
        return NO_ESTIMATE, NO_ESTIMATE, NO_ESTIMATE
    sums = joined.groupby("prompt_id", sort=False)[["rate", "rate_after"]].sum().to_numpy(float)
    sizes = joined.groupby("prompt_id", sort=False).size().to_numpy(float)
    weights = cluster_weights(np.zeros(len(sums), dtype=np.int64), study.inference.resamples, study.inference.rng())
    means = (weights @ sums) / (weights @ sizes)[:, None]
    drawn = np.column_stack([means, means[:, 1] - means[:, 0]])
    low, high = percentile_interval(drawn[1:], study.inference.confidence)
    before, after, change = (Estimate(*map(float, parts)) for parts in zip(drawn[0], low, high, strict=True))
    prompts, level = len(sums), study.inference.confidence
    return _rate(before, prompts, level), _rate(after, prompts, level), _difference(change, prompts, level)


def _rate(estimate: Estimate, prompts: int, confidence: float) -> Estimate:
    """A rate; if every prompt was alike, resampling is uninformative, and Wilson's interval over prompts is used."""
    if estimate.low < estimate.high or estimate.value not in (0.0, 1.0):
        return estimate
    low, high = wilson_interval(np.array([estimate.value * prompts]), np.array([float(prompts)]), confidence)
    return Estimate(estimate.value, float(low[0]), float(high[0]))


def _difference(estimate: Estimate, prompts: int, confidence: float) -> Estimate:
    """A change; if every prompt changed alike, Tango's interval over prompts is used."""
    if estimate.low < estimate.high or estimate.value not in (-1.0, 0.0, 1.0):
        return estimate
    gained, lost = prompts * (estimate.value > 0), prompts * (estimate.value < 0)
    return Estimate(estimate.value, *tango_interval(gained, lost, prompts, confidence))


def _survival(study: Study) -> dict[str, str]:
    judge = study.labels.judge(study.reference)
    pooled = {variant: pooled_rates(study, variant) for variant in study.edited_variants}
    known = {variant: rates for variant, rates in pooled.items() if not np.isnan(rates[2].value)}
    if not known:
        counted = _refusals(study)
        return {
            "short": counted,
            "sentence": f"By {judge}, {counted}; no edited variant was compared with the original.",
        }
    variant = min(known, key=lambda name: known[name][2].value)
    before, after, change = known[variant]
    lowest = f" (the lowest refusal rate of {len(known)} edits)" if len(known) > 1 else ""
    counted, verdict = _conclusions(study, variant)
    sentence = (
        f"The variant {study.labels.variant(variant)}{lowest} changed the refusals of harmful prompts by "
        f"{points(change)}, from {share(before)} to {share(after)} over {count(len(study.models), 'model')} "
        f"(judge: {judge}); {counted}."
    )
    return {"short": verdict, "sentence": sentence}


def _refusals(study: Study) -> str:
    chosen = study.verdicts[(study.verdicts["judge"] == study.reference) & (study.verdicts["label"] == "harmful")]
    scored = chosen[chosen["verdict"] != UNSCORED]
    refused = int((scored["verdict"] == "refusal").sum())
    return f"{refused} of {count(len(scored), 'harmful response')} are refusals"


def _conclusions(study: Study, variant: str) -> tuple[str, str]:
    """The outcome for how many models, in words and as the short answer: as assessed, else by their refusals alone."""
    assessed = study.tables.get("assessment")
    if assessed is not None and (assessed["variant"] == variant).any():
        found = assessed.loc[assessed["variant"] == variant, "assessment"]
        told = counted(ASSESSMENTS, _numbers_of(found))
        return f"assessed as {told}", _capital(told)
    if "robustness" not in study.tables:
        return NOT_CONCLUDED.lower(), NOT_CONCLUDED
    rows = study.tables["robustness"]
    rows = rows[(rows["judge"] == study.reference) & (rows["variant"] == variant) & (rows["label"] == "harmful")]
    found = rows["conclusion"].dropna()
    found = found[found != ""]
    if found.empty:
        return NOT_CONCLUDED.lower(), NOT_CONCLUDED
    told = counted(CONCLUSIONS, _numbers_of(found))
    return f"by the intervals alone (margin {100 * study.margin:g} points): {told}", _capital(told)


def _numbers_of(outcomes: "pd.Series[Any]") -> dict[str, int]:
    return {str(name): int(number) for name, number in outcomes.value_counts().items()}


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _trust(study: Study) -> dict[str, str]:
    if not {"agreement", "conclusions"} <= set(study.tables):
        return {"short": "Unknown", "sentence": "The judges were not compared."}
    kappas = _with_reference(study)
    reference = study.labels.judge(study.reference)
    standing = "human labels" if study.reference in study.people else f"{reference}, not human"
    if not kappas:
        return {
            "short": "Unknown",
            "sentence": f"No other judge has scored the responses; the reference is {standing}.",
        }
    worst, best = min(kappas, key=lambda name: kappas[name].value), max(kappas, key=lambda name: kappas[name].value)
    spread = f"κ\N{NO-BREAK SPACE}{coefficient(kappas[best])} for {study.labels.judge(best)}"
    if worst != best:
        spread += f" to {coefficient(kappas[worst])} for {study.labels.judge(worst)}"
    conclusions = study.tables["conclusions"]
    chosen = conclusions[conclusions["judge"].isin(study.readers) & (conclusions["reference_changed"].fillna("") != "")]
    flips, contradictions = int(chosen["flips"].sum()), int(chosen["contradicts"].sum())
    sentence = (
        f"Of {count(len(study.readers), 'judge')} that read the responses, agreement with the reference ({standing}) "
        f"ranges from {spread}; significance differs from the reference in {flips} of {len(chosen)} comparisons, "
        f"and the conclusion is the opposite in {contradictions}."
    )
    return {"short": f"{flips} of {len(chosen)} findings depend on the judge", "sentence": sentence}


def _with_reference(study: Study) -> dict[str, Estimate]:
    table = study.tables["agreement"]
    chosen = table[
        (table["judge_b"] == study.reference)
        & (table["subset"] == "all")
        & (table["metric"] == "cohen_kappa")
        & table["judge_a"].isin(study.readers)
        & table["value"].notna()
    ]
    rows = chosen[["judge_a", "value", "low", "high"]].itertuples(index=False, name=None)
    return {str(judge): Estimate(float(value), float(low), float(high)) for judge, value, low, high in rows}


def _method(study: Study) -> dict[str, str]:
    parts = [_control(study), _edits(study), _unscored(study.verdicts)]
    sentence = "; ".join(part for part in parts if part)
    missed = int((~study.tables["edits"]["effective"]).sum()) if "edits" in study.tables else 0
    short = "Controls and edits passed" if study.controls and not missed else "See the warnings"
    return {"short": short, "sentence": f"{_capital(sentence)}."}


def _control(study: Study) -> str:
    found = [(name, pooled_rates(study, name)[2]) for name in study.controls if name in study.variants]
    told = [
        f"{study.labels.variant(name)} (control) changes refusals of harmful prompts by {points(change)}"
        for name, change in found
        if not np.isnan(change.value)
    ]
    return listed(told) if told else "no control variant was run"


def _edits(study: Study) -> str:
    edits: pd.DataFrame | None = study.tables.get("edits")
    if edits is None or edits.empty:
        return ""
    hit = int(edits["effective"].sum())
    return f"{hit} of {count(len(edits), 'edit')} passed all gates"


def _unscored(verdicts: pd.DataFrame) -> str:
    unscored = int((verdicts["verdict"] == UNSCORED).sum())
    return f"{unscored:,} of {count(len(verdicts), 'verdict')} could not be parsed and count as unscored"


def headline(study: Study) -> dict[str, Any]:
    """How large the run is."""
    rows: Sequence[tuple[str, int]] = (
        ("model", len(study.models)),
        ("variant", len(study.variants)),
        ("judge", len(study.judges)),
        ("prompt", study.verdicts["prompt_id"].nunique()),
        ("verdict", len(study.verdicts)),
    )
    return {"size": " × ".join(count(number, noun) for noun, number in rows[:4]), "verdicts": rows[4][1]}
