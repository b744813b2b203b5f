"""``edits.csv``: whether each edit changed the weights as configured."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.analysis.side_effects import measures_of_gates
from steadfast.analysis.tables.outcomes import without_verified_edit
from steadfast.attacks.directions import Direction, load_direction
from steadfast.attacks.gates import DIRECTION, GateFailure, stored_failure, verification_of
from steadfast.core.files import read_json, read_table

COLUMNS = [
    "model",
    "variant",
    "layer",
    "position",
    "stability",
    "same_place",
    "effective",
    "gate",
    "gate_ratio",
    "modules",
    "worst_deviation",
    "change_norm",
    "verified",
    "modules_checked",
    "module_deviation",
    "hook_deviation",
    "hook_share",
    "response_share",
    "reason",
    "remedy",
]
NUMBERS = (
    "stability",
    "same_place",
    "gate_ratio",
    "worst_deviation",
    "change_norm",
    "module_deviation",
    "hook_deviation",
    "hook_share",
    "response_share",
)
TEXTS = ("layer", "gate", "verified", "reason", "remedy")


@dataclass(frozen=True)
class EditedVariant:
    """A model–variant pair that was changed by an edit or an intervention.

    Attributes:
        model: name of the model.
        variant: name of the variant.
        direction: path of its direction.
        scores: path of the scores of its side effects (``effects.scores.score_table``).
        manifest: path of ``edit_manifest.json``, or None for an intervention.
    """

    model: str
    variant: str
    direction: str | Path
    scores: str | Path
    manifest: str | Path | None


def edit_table(pairs: Iterable[EditedVariant]) -> pd.DataFrame:
    """Summarize the edit or intervention of every model–variant pair.

    Args:
        pairs: the model–variant pairs.

    Returns:
        Columns ``COLUMNS``, one row per variant. ``layer`` and ``position`` say where the direction was found, and
        ``stability`` is its median cosine with directions from resampled prompts, ``same_place`` the share of resamples
        that select the same layer and position (empty without a selection). ``effective`` is false if a gate failed
        (``tables.gates``): ``gate`` names the first one, ``gate_ratio`` is the deviation as a multiple of its bound,
        ``reason`` describes the failure and ``remedy`` what to do. ``modules`` is the number of edited modules,
        ``worst_deviation`` the largest deviation of a stored residual from its target, ``change_norm`` the Frobenius
        norm of the change of the weights; they are empty for hooks. ``verified`` and the columns after it are those of
        ``gates.EditVerification``.
    """
    rows = []
    measures = measures_of_gates()
    for pair in pairs:
        direction = load_direction(pair.direction)
        done, stored = _of_direction(direction) if pair.manifest is None else _of_manifest(pair.manifest)
        found = verification_of(read_table(pair.scores), measures)
        failures = [failure for failure in (stored, *found.failures) if failure is not None]
        resampled = direction.details.get("stability", {})
        row = {
            "model": pair.model,
            "variant": pair.variant,
            "layer": direction.layer,
            "position": direction.position,
            "stability": resampled.get("median_cosine"),
            "same_place": resampled.get("same_place"),
            **done,
            **{key: value for key, value in asdict(found).items() if key != "failures"},
        }
        rows.append({**row, **_judged(failures)})
    types = {"effective": "bool", "position": "Int64", "modules": "Int64", "modules_checked": "Int64"}
    texts, numbers = dict.fromkeys(TEXTS, "str"), dict.fromkeys(NUMBERS, "float64")
    return pd.DataFrame(rows, columns=COLUMNS).astype({**types, **texts, **numbers})


def _of_direction(direction: Direction) -> tuple[dict[str, Any], GateFailure | None]:
    """Summary of an intervention, which stores no weights that could deviate."""
    if direction.valid:
        return {}, None
    return {}, GateFailure(DIRECTION, float("nan"), f"no valid direction: {direction.reason}")


def _of_manifest(path: str | Path) -> tuple[dict[str, Any], GateFailure | None]:
    manifest = read_json(path)
    done = {
        "modules": int(manifest["gates"]["modules_matched"]),
        "worst_deviation": manifest["gates"]["worst_deviation"],
        "change_norm": manifest["change_norm"],
    }
    return done, stored_failure(manifest)


def _judged(failures: Sequence[GateFailure]) -> dict[str, Any]:
    if not failures:
        return {"effective": True, "gate": "", "gate_ratio": None, "reason": "", "remedy": ""}
    first = failures[0]
    return {
        "effective": False,
        "gate": first.gate,
        "gate_ratio": first.ratio,
        "reason": "; ".join(failure.reason for failure in failures),
        "remedy": first.remedy,
    }


def mark_unverified(robustness: pd.DataFrame, edits: pd.DataFrame) -> pd.DataFrame:
    """Robustness without conclusions from edits that failed a gate.

    Args:
        robustness: a table from ``tables.robustness``.
        edits: a table from ``edit_table``.

    Returns:
        The table, with ``edit not verified`` in place of ``does not survive`` and ``edit ineffective`` in place of
        every other conclusion on such a model and variant, and the reason as its note.
    """
    missed = edits[~edits["effective"]]
    reasons = {(row.model, row.variant): str(row.reason) for row in missed.itertuples()}
    table = robustness.copy()
    pairs = list(zip(table["model"].tolist(), table["variant"].tolist(), strict=True))
    hit = pd.Series([pair in reasons for pair in pairs], index=table.index) & (table["label"] == "harmful")
    table.loc[hit, "conclusion"] = [without_verified_edit(str(found)) for found in table.loc[hit, "conclusion"]]
    table.loc[hit, "note"] = [reasons[pair] for pair, chosen in zip(pairs, hit.tolist(), strict=True) if chosen]
    return table
