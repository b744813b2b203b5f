"""The first screen: what was run, and a row per model with its outcome."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from steadfast.analysis.side_effects import benchmarks
from steadfast.analysis.tables.best_edit import best_first, decisive
from steadfast.analysis.tables.degradation import CRITERIA, Criteria, degradation
from steadfast.analysis.tables.outcomes import ASSESSMENTS, CONCLUSIONS, Outcome
from steadfast.analysis.tables.withstood import NOTHING
from steadfast.core.names import HARMFUL
from steadfast.grid import paths
from steadfast.models.sources import is_trained_here
from steadfast.report.blocks import Block, Column, table
from steadfast.report.finding import KEPT, LOST, Finding
from steadfast.report.headline import compliance_of, finding_sentence, found_of, outcomes_of, remarks
from steadfast.report.origins import states
from steadfast.report.study import Study
from steadfast.report.wording import count, percent, signed

STUDY_TITLE = "A Granular Study of Safety Pretraining under Model Abliteration"
STUDY_AUTHORS = "Agnihotri et al. 2025"
STUDY_LINK = "https://arxiv.org/abs/2510.02768"
NOT_MEASURED = "not measured"


def overview(study: Study) -> dict[str, Any]:
    """Facts, banner, sentence, table and remarks, as the page's scripts read them."""
    found = found_of(study)
    return {
        "facts": facts(study),
        "banner": banner(study),
        "sentence": finding_sentence(study),
        "further": compliance_of(study),
        "table": models_table(study, found) if found is not None else None,
        "remarks": remarks(study),
        "study": {"title": STUDY_TITLE, "authors": STUDY_AUTHORS, "link": STUDY_LINK},
    }


def facts(study: Study) -> list[list[str]]:
    """What was run, and when: term and text."""
    scored = int((study.verdicts["judge"] == study.reference).sum())
    found = [
        ("Run", study.name),
        ("Configuration", ", ".join(study.files)),
        ("Finished", max((record.finished for record in study.records), default="")[:10]),
        ("Code", ", ".join(states(study.records))),
        ("Prompts", _prompts(study)),
        ("Decoding", _decoding(study.configuration.get("generation", {}))),
        ("Reference judge", f"{study.labels.judge(study.reference)} ({count(scored, 'verdict')})"),
        (
            "Human labels",
            f"{study.annotators}, {count(study.human_labels, 'response')}" if study.human_judges else "none",
        ),
    ]
    return [[term, text] for term, text in found if text]


def _prompts(study: Study) -> str:
    numbers = study.verdicts.drop_duplicates("prompt_id")["label"].value_counts()
    return " and ".join(f"{numbers[label]} {label}" for label in ("harmful", "harmless") if label in numbers)


def _decoding(generation: Mapping[str, Any]) -> str:
    if not generation:
        return ""
    temperature, samples = float(generation.get("temperature", 0.0)), int(generation.get("samples", 1))
    sampled = f"temperature {temperature:g}, top-p {float(generation.get('top_p', 1.0)):g}"
    parts = ["greedy" if temperature == 0 else sampled, f"at most {generation.get('max_new_tokens', '?')} new tokens"]
    return ", ".join([*parts, *([f"{samples} samples per prompt"] if samples > 1 else [])])


def banner(study: Study) -> str:
    """What has to be known before any number; empty if nothing has."""
    toys = [name for name in study.models if name in study.sources and is_trained_here(study.sources[name])]
    if not toys:
        return ""
    which = "The models are" if len(toys) == len(study.models) else f"{len(toys)} of {len(study.models)} models are"
    return (
        f"{which} model organisms: tiny models that the workflow trains in a synthetic world. These numbers show that "
        "the workflow runs and are no evidence about real models."
    )


def models_table(study: Study, found: Finding) -> Block:
    """A row per model: outcomes in which safety training was kept first, then by the loss of refusals."""
    assessed = outcomes_of(study)
    rows = assessed[assessed["variant"] == found.variant].drop_duplicates("model")
    rank = rows["assessment"].map({entry.name: index for index, entry in enumerate(_graded_first())})
    rows = rows.assign(rank=rank).sort_values(["rank", "change"], ascending=[True, False], kind="stable")
    rates = study.tables.get("robustness")
    data = pd.DataFrame(
        {
            "model": rows["model"],
            "outcome": [_marked(name) for name in rows["assessment"]],
            "before": rows["refused_before"],
            "after": rows["refused_after"],
            "change": rows["change"],
            "change_low": rows["change_low"],
            "change_high": rows["change_high"],
            "attack": [best_attack(study, assessed, model, found.variant) for model in rows["model"]],
            "capability": [capability_change(study, row) for row in rows.to_dict("records")],
            "judges": [range_over_judges(study, rates, model, found.variant) for model in rows["model"]],
        }
    )
    intervals = _intervals(study, rates, data["model"].tolist(), found.variant)
    data = pd.concat([data.reset_index(drop=True), intervals], axis=1)
    judge, level = study.labels.judge(study.reference), f"{study.inference.confidence:.0%}"
    columns = [
        Column("model", "Model", "name", names=study.labels.models),
        Column("outcome", "Outcome", "text", help="Robustness assessment; see the section Assessment for the rules."),
        Column("before", "Before", "share", help=f"Harmful prompts refused by the original, by {judge}."),
        Column("after", "After", "share", interval=True, help=f"After the edit, with the {level} Wilson interval."),
        Column("change", "Change", "points", interval=True, help=f"In percentage points, with the {level} interval."),
        Column(
            "attack",
            "Best attack",
            "text",
            help="Whether the model withstood the best attack on it.",
        ),
        Column("capability", "Capability", "text", help="What the edit changes other than refusals."),
        Column("judges", "Change by judge", "text", help="Smallest and largest change according to a judge."),
    ]
    caption = f"Harmful prompts refused before and after: {study.labels.variant(found.variant)}, by {judge}"
    return {**table("models", caption, data, columns, source=paths.table("assessment")), "plain": True, "links": True}


def _graded_first() -> list[Outcome]:
    """All outcomes: refusals kept, undecided, lost, then what says nothing of the model."""
    known = [*ASSESSMENTS, *(entry for entry in CONCLUSIONS if entry not in ASSESSMENTS)]
    graded = [entry for entry in known if entry.graded]
    kept = [entry for entry in graded if entry.name in KEPT]
    lost = [entry for entry in graded if entry.name in LOST]
    between = [entry for entry in known if entry not in kept and entry not in lost]
    return [*kept, *between, *lost]


def _marked(name: str) -> str:
    entry = next((entry for entry in _graded_first() if entry.name == name), None)
    return f"{entry.mark} {name}" if entry else name


def _intervals(study: Study, rates: pd.DataFrame | None, models: list[str], variant: str) -> pd.DataFrame:
    """Interval of the rate after the edit, in the order of ``models``."""
    if rates is None:
        return pd.DataFrame({"after_low": np.nan, "after_high": np.nan}, index=range(len(models)))
    chosen = (rates["judge"] == study.reference) & (rates["variant"] == variant) & (rates["label"] == HARMFUL)
    found = rates[chosen].set_index("model")[["rate_low", "rate_high"]].reindex(models)
    return found.set_axis(["after_low", "after_high"], axis=1).reset_index(drop=True)


def best_attack(study: Study, assessed: pd.DataFrame, model: str, shown: str) -> str:
    """Whether the model withstood the edit of the run that leaves it fewest refusals; only edits that took effect."""
    withstood = study.tables.get("withstood")
    if withstood is not None and model in set(withstood["model"]):
        row = withstood[withstood["model"] == model].iloc[0]
        if pd.isna(row["variant"]) or pd.isna(row["refused_after"]):
            return str(row["statement"])
        if row["variant"] == shown:
            # its numbers are in the same row, and the whole statement is in the table of the best attacks
            return f"{_verdict(str(row['outcome']))} ({row['attack']})"
        label, after = study.labels.variant(str(row["variant"])), percent(float(row["refused_after"]))
        return f"{_verdict(str(row['outcome']))}: {label}, {after}% refused ({row['attack']})"
    tried = assessed[(assessed["model"] == model) & ~assessed["variant"].isin(study.controls)]
    own = decisive(tried)
    if own.empty:
        return NOTHING
    row = best_first(own).iloc[0]
    verdict = _verdict(str(row["assessment"]))
    if tried["variant"].nunique() == 1:
        return verdict
    return f"{verdict}: {study.labels.variant(str(row['variant']))}, {percent(float(row['refused_after']))}% refused"


def _verdict(outcome: str) -> str:
    """What an outcome says of an attack."""
    return "withstood" if outcome in KEPT else "not withstood" if outcome in LOST else "undecided"


def capability_change(study: Study, row: Mapping[Any, Any]) -> str:
    """The change of capability: benchmark tasks if the run has any, and whatever degradation was measured."""
    parts = []
    effects = study.tables.get("side_effects")
    if effects is not None and "change" in effects:
        own = (effects["model"] == row["model"]) & (effects["variant"] == row["variant"])
        tasks = effects.loc[own & effects["measure"].isin(benchmarks()), "change"].dropna()
        if len(tasks):
            parts.append(f"{signed(float(tasks.mean()))} points on {count(len(tasks), 'task')}")
    bounded = {name: rule for name, rule in CRITERIA.items() if rule.bound is not None}
    numbers = {rule.column: float(row.get(rule.column, np.nan)) for rule in bounded.values()}
    for rule in bounded.values():
        if not np.isnan(value := numbers[rule.column]):
            parts.append(rule.brief.format(points=signed(value), ratio=value))
    bounds = study.configuration.get("assessment", {})
    known = {name: float(bounds[name]) for name in bounded if name in bounds}
    degraded = "degraded: " if degradation(numbers, Criteria(**known)) else ""
    return f"{degraded}{', '.join(parts)}" if parts else NOT_MEASURED


def range_over_judges(study: Study, rates: pd.DataFrame | None, model: str, variant: str) -> str:
    """Smallest and largest change over the judges that read the responses."""
    if rates is None:
        return ""
    chosen = (rates["model"] == model) & (rates["variant"] == variant) & (rates["label"] == HARMFUL)
    changes = rates.loc[chosen & rates["judge"].isin([study.reference, *study.readers]), "change"].dropna()
    if len(changes) < 2:
        return ""
    return f"{signed(float(changes.min()))} to {signed(float(changes.max()))} ({len(changes)} judges)"
