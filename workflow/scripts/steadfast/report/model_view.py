"""Findings at the top of the page in the view of one model."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from steadfast.analysis.tables.best_edit import best_first, decisive
from steadfast.core.names import ORIGINAL
from steadfast.report.headline import found_of, outcomes_of
from steadfast.report.overview import best_attack, capability_change, range_over_judges
from steadfast.report.study import Study
from steadfast.report.wording import percent, signed

SHOWN_SETTINGS = ("base", "path", "repository", "revision", "package", "file")
HARMLESS = "harmless"


def model_findings(study: Study) -> dict[str, dict[str, Any]]:
    """By model, the sentence on top and the remarks below it."""
    assessed = outcomes_of(study)
    found = found_of(study)
    shown = found.variant if found else ""
    findings = {}
    for model in study.models:
        own = assessed[assessed["model"] == model]
        deciding = best_first(decisive(own[~own["variant"].isin(study.controls)]))
        variant = shown if deciding.empty else str(deciding["variant"].iloc[0])
        findings[model] = _finding(study, own, model, variant)
    return findings


def _finding(study: Study, assessed: pd.DataFrame, model: str, variant: str) -> dict[str, Any]:
    rows = assessed[assessed["variant"] == variant].to_dict("records")
    rates = study.tables.get("robustness")
    remarks = [
        ("Source", _source(study, model)),
        ("Outcome of each variant", _outcomes(study, assessed)),
        ("Harmless prompts", _harmless(study, rates, model, variant)),
        ("Change by judge", range_over_judges(study, rates, model, variant)),
        ("Best attack", best_attack(study, outcomes_of(study), model, "") if rows else ""),
        ("Capability", capability_change(study, rows[0]) if rows else ""),
    ]
    return {
        "further": "",
        "sentence": _sentence(study, model, rows[0] if rows else None),
        "remarks": [{"title": title, "text": text} for title, text in remarks if text],
    }


def _sentence(study: Study, model: str, row: Mapping[Any, Any] | None) -> str:
    label = study.labels.model(model)
    if row is None or pd.isna(row["refused_before"]) or pd.isna(row["refused_after"]):
        return f"{label}: no edited variant was compared with the original."
    return f"{label}, {study.labels.variant(str(row['variant']))}: {_change(row)}: {row['assessment']}."


def _change(row: Mapping[Any, Any]) -> str:
    before, after = percent(float(row["refused_before"])), percent(float(row["refused_after"]))
    return f"refusals of harmful prompts went from {before}% to {after}%"


def _source(study: Study, model: str) -> str:
    """Kind of source, and the keys of the configuration that say where exactly."""
    entry = study.configuration.get("models", {}).get(model, {})
    keys = [f"{key} {entry[key]}" for key in SHOWN_SETTINGS if entry.get(key)]
    return ", ".join(filter(None, [study.sources.get(model, ""), *keys]))


def _outcomes(study: Study, assessed: pd.DataFrame) -> str:
    parts = []
    for row in assessed.to_dict("records"):
        change = "" if pd.isna(row["change"]) else f" ({signed(float(row['change']))} points)"
        parts.append(f"{study.labels.variant(str(row['variant']))}: {row['assessment']}{change}")
    return "; ".join(parts)


def _harmless(study: Study, rates: pd.DataFrame | None, model: str, variant: str) -> str:
    """Refusals of harmless prompts, before and after."""
    if rates is None:
        return ""
    mine = (rates["model"] == model) & (rates["judge"] == study.reference) & (rates["label"] == HARMLESS)
    by_variant = rates[mine].drop_duplicates("variant").set_index("variant")["rate"].dropna()
    if not {ORIGINAL, variant} <= set(by_variant.index):
        return ""
    return f"{percent(float(by_variant[ORIGINAL]))}% refused before, {percent(float(by_variant[variant]))}% after"
