"""``assessment.csv``: the robustness assessment of each model after each edit, with the numbers that decide.

The rules are those of ``tables.rules``, the outcomes those of ``tables.outcomes``.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from steadfast.analysis.side_effects import measures_of_gates
from steadfast.analysis.tables.degradation import (
    DEGRADATION,
    Criteria,
    Measured,
    capability_numbers,
    incomparable,
    measured_effects,
)
from steadfast.analysis.tables.outcomes import ASSESSMENTS, FAILED, NOT_ROBUST, outcome
from steadfast.analysis.tables.rules import Evidence, assess, assess_control
from steadfast.attacks.gates import SEPARATION
from steadfast.core.names import ORIGINAL

NUMBERS = [
    "gate_ratio",
    "refused_before",
    "refused_after",
    "change",
    "change_low",
    "change_high",
    "weights_deviation",
    "module_deviation",
    "hook_deviation",
    "hook_share",
    "separation_before",
    "separation_after",
    "residual_separation",
    *DEGRADATION,
]
TEXTS = ["model", "variant", "judge", "assessment", "reason", "remedy", "note", "gate"]
COLUMNS = [*TEXTS, *NUMBERS]
DECIMALS = 6
NOT_FINITE = "not compared: the original's is not finite; its number format may overflow"


def assessment_table(
    robustness: pd.DataFrame,
    edits: pd.DataFrame,
    effects: pd.DataFrame,
    *,
    judge: str,
    controls: Collection[str] = (),
    criteria: Criteria | None = None,
    searched: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Assess every model in every variant but the original.

    Args:
        robustness: a table from ``tables.robustness``.
        edits: a table from ``tables.edits``; it has no rows for variants without an edit.
        effects: a table from ``tables.side_effects``.
        judge: the judge whose verdicts are used.
        controls: variants with the role *control*.
        criteria: bounds of the rules.
        searched: variants that a search found, with a description of the search.

    Returns:
        Columns ``COLUMNS``; variants without a valid direction come last. Rates and changes are the judge's on harmful
        prompts; ``residual_separation`` is after / before; numbers that were not measured are empty.
    """
    criteria = criteria or Criteria()
    harmful = robustness[(robustness["judge"] == judge) & (robustness["label"] == "harmful")]
    harmful = harmful.assign(**{name: _texts(harmful, name) for name in ("conclusion", "note")})
    edits = edits.assign(**{name: _texts(edits, name) for name in ("reason", "gate", "remedy")})
    before = harmful[harmful["variant"] == ORIGINAL].set_index("model")
    edited = edits.set_index(["model", "variant"])
    rows = []
    compared: list[dict[str, Any]] = harmful[harmful["variant"] != ORIGINAL].to_dict("records")  # type: ignore[assignment]
    for row in compared:
        pair = (row["model"], row["variant"])
        original = before.loc[row["model"]].to_dict() if row["model"] in before.index else {}
        edit = edited.loc[pair].to_dict() if pair in edited.index else None
        measured = {name: measured_effects(effects, row["model"], name) for name in (ORIGINAL, row["variant"])}
        numbers = _numbers(row, original, edit, measured[row["variant"]], measured[ORIGINAL])
        evidence = Evidence(
            numbers, edit, row["conclusion"], row["note"], criteria, (searched or {}).get(row["variant"], "")
        )
        found = assess_control(evidence, original) if row["variant"] in controls else assess(evidence)
        note = "; ".join(f"{name} {NOT_FINITE}" for name in incomparable(measured[ORIGINAL]))
        rows.append({**numbers, **_named(*pair, judge), "note": note, **asdict(found)})
    judged = {(row["model"], row["variant"]) for row in compared}
    # without a valid direction there are no responses to compare
    for missed in edits[~edits["effective"].astype(bool)].to_dict("records"):
        pair = (missed["model"], missed["variant"])
        if pair not in judged:
            nothing = Evidence({}, missed, "", "", criteria)  # type: ignore[arg-type]
            rows.append({**_named(*pair, judge), "note": "", **asdict(assess(nothing))})
    table = pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(NUMBERS, "float64"))
    for name in table["assessment"]:
        outcome(name, ASSESSMENTS)
    return _with_notes(table.round(dict.fromkeys(NUMBERS, DECIMALS)))


def _numbers(
    row: Mapping[str, Any],
    original: Mapping[str, Any],
    edit: Mapping[str, Any] | None,
    measured: Measured,
    unedited: Measured,
) -> dict[str, float]:
    def number(measure: str, scope: str, column: str) -> float:
        found = measured.get((measure, scope))
        return float(found[column]) if found is not None else np.nan

    separation = [number(measures_of_gates()[SEPARATION], "both labels", column) for column in ("original", "value")]
    return {
        "refused_before": float(original.get("rate", np.nan)),
        "refused_after": float(row["rate"]),
        **{column: float(row[column]) for column in ("change", "change_low", "change_high")},
        "weights_deviation": _of_edit(edit, "worst_deviation"),
        **{name: _of_edit(edit, name) for name in ("module_deviation", "hook_deviation", "hook_share")},
        "separation_before": separation[0],
        "separation_after": separation[1],
        "residual_separation": separation[1] / separation[0] if separation[0] > 0 else np.nan,
        **capability_numbers(measured, unedited),
    }


def _of_edit(edit: Mapping[str, Any] | None, column: str) -> float:
    return float(edit[column]) if edit is not None and column in edit else np.nan


def _named(model: str, variant: str, judge: str) -> dict[str, str]:
    return {"model": model, "variant": variant, "judge": judge}


def _texts(table: pd.DataFrame, column: str) -> "pd.Series[Any]":
    """A string column, with NaN replaced by empty strings."""
    if column not in table:
        return pd.Series("", index=table.index, dtype="object")
    return table[column].astype("object").fillna("")


def _with_notes(table: pd.DataFrame) -> pd.DataFrame:
    """Add a note for every model that also lost refusals after a control, since the loss is not specific."""
    lost = (table["assessment"] == FAILED) & (table["change"] < 0)
    failed = table[lost].groupby("model")["variant"].agg(", ".join)
    concerned = (table["assessment"] == NOT_ROBUST) & table["model"].isin(failed.index)
    words = [
        f"not specific to the direction: the control {failed[model]} failed" if hit else ""
        for model, hit in zip(table["model"], concerned, strict=True)
    ]
    table["note"] = ["; ".join(filter(None, parts)) for parts in zip(words, table["note"], strict=True)]
    return table
