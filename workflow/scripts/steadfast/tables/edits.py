"""``edits.csv``: whether each edit did to the weights what it was asked to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.directions import Direction, load_direction
from steadfast.files import read_json, read_table

COLUMNS = [
    "model",
    "variant",
    "layer",
    "position",
    "stability",
    "same_place",
    "effective",
    "modules",
    "worst_deviation",
    "change_norm",
    "verified",
    "hook_deviation",
    "reason",
]
HOOK_AGREEMENT = "hook_agreement"
INEFFECTIVE = "edit ineffective"
NO_POWER = "no power"


@dataclass(frozen=True)
class ChangedSystem:
    """What is known of a system that was changed by an edit or a hook.

    Attributes:
        model: name of the model.
        variant: name of the variant.
        direction: path of its direction.
        scores: path of the scores of its side effects (``effects.scores.score_table``).
        manifest: path of ``edit_manifest.json``, or None for a system that is changed while it runs.
    """

    model: str
    variant: str
    direction: str | Path
    scores: str | Path
    manifest: str | Path | None


def edit_table(systems: Iterable[ChangedSystem]) -> pd.DataFrame:
    """Summarise what was done to every system, by an edit or by a hook.

    Args:
        systems: the systems.

    Returns:
        Columns ``COLUMNS``, one row per system. ``layer`` and ``position`` say where the direction was found, and
        ``stability`` is its median cosine with those of resampled prompts, ``same_place`` the share of resamples that
        would have chosen that layer and position (empty without such a choice). ``effective`` is false where a gate of
        the edit failed, where the checkpoint does not answer as the original with hooks on the edited modules, or where
        there is no valid direction; ``reason`` says which. ``modules`` is the number of edited modules,
        ``worst_deviation`` the largest distance of a residual from the asked one, ``change_norm`` the Frobenius norm of
        the change of the weights; they are empty for hooks. ``hook_deviation`` is the mean divergence of the
        checkpoint from the hooked original in multiples of what rounding explains, and ``verified`` says ``yes`` up to
        1, ``no`` above, ``no power`` up to 1 where the unedited original is within 1 as well, so that nothing could
        have been told, and nothing where hooks cannot do what the edit does or it was not measured.
    """
    rows = []
    for system in systems:
        direction = load_direction(system.direction)
        done = _of_direction(direction) if system.manifest is None else _of_manifest(system.manifest)
        resampled = direction.details.get("stability", {})
        stability = {"stability": resampled.get("median_cosine"), "same_place": resampled.get("same_place")}
        place = {"layer": direction.layer, "position": direction.position, **stability}
        row = {"model": system.model, "variant": system.variant, **place, **done}
        rows.append({**row, **_verification(read_table(system.scores), row)})
    numbers = dict.fromkeys(("stability", "same_place", "worst_deviation", "change_norm", "hook_deviation"), "float64")
    texts = dict.fromkeys(("layer", "verified", "reason"), "str")
    types = {"effective": "bool", "position": "Int64", "modules": "Int64"}
    return pd.DataFrame(rows, columns=COLUMNS).astype({**types, **texts, **numbers})


def _of_direction(direction: Direction) -> dict[str, Any]:
    reason = "" if direction.valid else f"no valid direction: {direction.reason}"
    return {"effective": direction.valid, "reason": reason}


def _of_manifest(path: str | Path) -> dict[str, Any]:
    manifest = read_json(path)
    return {
        "effective": bool(manifest["effective"]),
        "modules": int(manifest["gates"]["modules_matched"]),
        "worst_deviation": manifest["gates"]["worst_deviation"],
        "change_norm": manifest["change_norm"],
        "reason": manifest["reason"],
    }


def _verification(scores: pd.DataFrame, row: Mapping[str, Any]) -> dict[str, Any]:
    """What the hook-versus-baked check found, and what follows for a row."""
    found = scores[scores["measure"] == HOOK_AGREEMENT]
    if found.empty:
        return {"verified": "", "hook_deviation": float("nan")}
    deviation, unedited = (float(found[column].mean()) for column in ("value", "original"))
    if deviation <= 1:
        return {"verified": NO_POWER if unedited <= 1 else "yes", "hook_deviation": deviation}
    missed = (
        "the checkpoint does not answer as the original with hooks on the edited modules "
        f"({deviation:.3g} times the tolerance)"
    )
    return {"verified": "no", "hook_deviation": deviation, "effective": False, "reason": row["reason"] or missed}


def mark_ineffective(robustness: pd.DataFrame, edits: pd.DataFrame) -> pd.DataFrame:
    """Robustness in which no conclusion is drawn from an edit that missed.

    Args:
        robustness: a table as ``tables.robustness`` makes it.
        edits: a table as ``edit_table`` makes it.

    Returns:
        The table, with ``edit ineffective`` in place of every conclusion on such a model and variant, and the reason
        as its note.
    """
    missed = edits[~edits["effective"]]
    reasons = {(row.model, row.variant): str(row.reason) for row in missed.itertuples()}
    table = robustness.copy()
    systems = list(zip(table["model"].tolist(), table["variant"].tolist(), strict=True))
    hit = pd.Series([system in reasons for system in systems], index=table.index) & (table["label"] == "harmful")
    table.loc[hit, "conclusion"] = INEFFECTIVE
    table.loc[hit, "note"] = [reasons[system] for system, chosen in zip(systems, hit.tolist(), strict=True) if chosen]
    return table
