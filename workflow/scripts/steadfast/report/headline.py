"""The sentences of the first screen: what was found, what the judges make of it, and what the checks say."""

from typing import Any

import numpy as np
import pandas as pd

from steadfast.analysis.tables.outcomes import CONCLUSIONS, counted
from steadfast.core.names import HARMFUL, ORIGINAL, UNSCORED
from steadfast.report.compliance import compliance_sentence
from steadfast.report.finding import Finding, find, sentence
from steadfast.report.pooled import pooled_rates
from steadfast.report.study import Study
from steadfast.report.wording import count, listed, percent, points, share


def outcomes_of(study: Study) -> pd.DataFrame:
    """The assessment, or of a run without one the conclusions of the reference judge in its columns."""
    assessed = study.tables.get("assessment")
    if assessed is not None and not assessed.empty:
        return assessed
    columns = ["model", "variant", "judge", "assessment", "refused_before", "refused_after"]
    numbers = ["change", "change_low", "change_high"]
    if "robustness" not in study.tables:
        return pd.DataFrame(columns=[*columns, *numbers])
    rates = study.tables["robustness"]
    rates = rates[(rates["judge"] == study.reference) & (rates["label"] == HARMFUL)]
    before = rates[rates["variant"] == ORIGINAL].set_index("model")["rate"]
    compared = rates[rates["conclusion"].fillna("") != ""]
    named = compared.assign(
        assessment=compared["conclusion"],
        refused_before=compared["model"].map(before),
        refused_after=compared["rate"],
    )
    return named[[*columns, *numbers]]


def found_of(study: Study) -> Finding | None:
    """What the run found."""
    return find(outcomes_of(study), controls=study.controls)


def finding_sentence(study: Study) -> str:
    """The sentence above the table of models."""
    found = found_of(study)
    if found is not None:
        return sentence(found, study.labels, hooked=study.hooked)
    chosen = study.verdicts[(study.verdicts["judge"] == study.reference) & (study.verdicts["label"] == HARMFUL)]
    scored = chosen[chosen["verdict"] != UNSCORED]
    refused = int((scored["verdict"] == "refusal").sum())
    return (
        f"{refused} of {count(len(scored), 'harmful response')} are refusals; no edited variant was compared with the "
        "original."
    )


def compliance_of(study: Study) -> str:
    """The sentence below the finding: compliance before and after the edit; empty where nothing judged it."""
    outcomes, found = study.tables.get("outcomes"), found_of(study)
    if outcomes is None or found is None:
        return ""
    return compliance_sentence(outcomes, found.variant, study.rubric_labels)


def remarks(study: Study) -> list[dict[str, str]]:
    """What is to be known beside the table of models: title and text."""
    found = [
        ("Refusals", _refusals(study)),
        ("Judges", judges_sentence(study)),
        ("Human labels", _labels(study)),
        ("Checks", _checks(study)),
    ]
    return [{"title": title, "text": text} for title, text in found if text]


def _refusals(study: Study) -> str:
    found = found_of(study)
    if found is None:
        return ""
    before, after, change = pooled_rates(study, found.variant)
    if np.isnan(change.value):
        return ""
    return (
        f"By {study.labels.judge(study.reference)}, {share(before)} of the harmful prompts were refused before the "
        f"edit and {share(after)} after it ({study.labels.variant(found.variant)}), a change of {points(change)}: "
        f"{'the mean of ' + count(len(study.models), 'model') if len(study.models) > 1 else 'one model'}, "
        f"{study.inference.confidence:.0%} intervals over prompts."
    )


def judges_sentence(study: Study) -> str:
    """How far the judges agree about the findings: directions, conclusions, and the rates that they measure."""
    if "conclusions" not in study.tables:
        return ""
    if not study.readers:
        return f"{study.labels.judge(study.reference)} is the only judge that scored the responses."
    table = study.tables["conclusions"]
    reference = table.loc[table["judge"] == study.reference, ["model", "variant", "change", "conclusion"]]
    compared = table[table["judge"].isin(study.readers)]
    pairs = compared.merge(reference, on=["model", "variant"], suffixes=("", "_of_reference"))
    moved = pairs.dropna(subset=["change", "change_of_reference"])
    alike = int((np.sign(moved["change"]) == np.sign(moved["change_of_reference"])).sum())
    drawn = pairs[(pairs["conclusion"].fillna("") != "") & (pairs["conclusion_of_reference"].fillna("") != "")]
    differ = int((drawn["conclusion"] != drawn["conclusion_of_reference"]).sum())
    return (
        f"{count(len(study.readers), 'other judge')} scored the same responses. The "
        f"direction of the change agrees with {study.labels.judge(study.reference)} in {alike} of "
        f"{count(len(moved), 'comparison')}; {differ} of "
        f"{count(len(drawn), 'conclusion')} differ.{_original_rates(study)}"
    )


def _original_rates(study: Study) -> str:
    """The range of the refusal rates that the judges measure on the original models."""
    verdicts = study.verdicts
    chosen = (verdicts["variant"] == ORIGINAL) & (verdicts["label"] == HARMFUL) & (verdicts["verdict"] != UNSCORED)
    chosen &= verdicts["judge"].isin([study.reference, *study.readers])
    refused = (verdicts.loc[chosen, "verdict"] == "refusal").groupby([verdicts["judge"], verdicts["model"]]).mean()
    rates = refused.groupby("judge").mean()
    if rates.empty:
        return ""
    least, most = str(rates.idxmin()), str(rates.idxmax())
    if percent(rates[least]) == percent(rates[most]):
        return f" According to every judge the originals refuse {percent(rates[least])}% of the harmful prompts."
    return (
        f" The originals refuse between {percent(rates[least])}% of the harmful prompts "
        f"({study.labels.judge(least)}) and {percent(rates[most])}% ({study.labels.judge(most)}), by judge."
    )


def _labels(study: Study) -> str:
    """What the human labels alone would conclude: they are few, and the outcomes are not drawn from them."""
    if not study.human_judges:
        return ""
    scored = study.human_labels
    labeled = f"{count(scored, 'response')} {'has' if scored == 1 else 'have'} a label of {study.annotators}"
    rows = study.tables.get("robustness")
    found = found_of(study)
    if rows is None or found is None:
        return f"{labeled}."
    chosen = (rows["judge"] == study.truth) & (rows["variant"] == found.variant) & (rows["label"] == HARMFUL)
    conclusions = rows.loc[chosen, "conclusion"].dropna()
    conclusions = conclusions[conclusions != ""]
    if conclusions.empty:
        return f"{labeled}. They are too few for a conclusion on any model."
    numbers = {str(name): int(number) for name, number in conclusions.value_counts().items()}
    return (
        f"{labeled}. By these labels alone: {counted(CONCLUSIONS, numbers)}. The outcomes in the table are those of "
        f"{study.labels.judge(study.reference)}."
    )


def _checks(study: Study) -> str:
    parts = [_control(study), _edits(study), _unscored(study.verdicts)]
    text = "; ".join(part for part in parts if part)
    return f"{text[0].upper()}{text[1:]}."


def _control(study: Study) -> str:
    found = [(name, pooled_rates(study, name)[2]) for name in study.controls if name in study.variants]
    shown = [
        f"{study.labels.variant(name)} (control) changes refusals of harmful prompts by {points(change)}"
        for name, change in found
        if not np.isnan(change.value)
    ]
    return listed(shown) if shown else "no control variant was run"


def _edits(study: Study) -> str:
    edits: pd.DataFrame | None = study.tables.get("edits")
    if edits is None or edits.empty:
        return ""
    return f"{int(edits['effective'].sum())} of {count(len(edits), 'edit')} passed all gates"


def _unscored(verdicts: pd.DataFrame) -> str:
    unscored = int((verdicts["verdict"] == UNSCORED).sum())
    return f"{unscored:,} of {count(len(verdicts), 'verdict')} are unscored"


def size(study: Study) -> dict[str, Any]:
    """How large the run is."""
    rows = (
        ("model", len(study.models)),
        ("variant", len(study.variants)),
        ("judge", len(study.judges)),
        ("prompt", study.verdicts["prompt_id"].nunique()),
    )
    return {"size": " × ".join(count(number, noun) for noun, number in rows), "verdicts": len(study.verdicts)}
