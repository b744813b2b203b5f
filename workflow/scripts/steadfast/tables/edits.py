"""``edits.csv``: whether each edit did to the weights what it was asked to."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.directions import Direction, load_direction
from steadfast.files import read_json

COLUMNS = [
    "model",
    "variant",
    "layer",
    "position",
    "stability",
    "effective",
    "modules",
    "worst_deviation",
    "change_norm",
    "reason",
]
INEFFECTIVE = "edit ineffective"


def edit_table(systems: Iterable[tuple[Sequence[str], str | Path, str | Path | None]]) -> pd.DataFrame:
    """Summarise what was done to every system, by an edit or by a hook.

    Args:
        systems: model and variant, the direction, and the ``edit_manifest.json`` of an edited checkpoint (None for a
            system that is changed while it runs).

    Returns:
        Columns ``COLUMNS``, one row per system. ``layer`` and ``position`` say where the direction was found, and
        ``stability`` is its median cosine with those of resampled prompts. ``effective`` is false where a gate of the
        edit failed or where there is no valid direction; ``reason`` says which. ``modules`` is the number of edited
        modules, ``worst_deviation`` the largest distance of a residual from the asked one, ``change_norm`` the
        Frobenius norm of the change of the weights; they are empty for hooks.
    """
    rows = []
    for (model, variant), path, manifest in systems:
        direction = load_direction(path)
        done = _of_direction(direction) if manifest is None else _of_manifest(manifest)
        stability = direction.details.get("stability", {}).get("median_cosine")
        place = {"layer": direction.layer, "position": direction.position, "stability": stability}
        rows.append({"model": model, "variant": variant, **place, **done})
    numbers = dict.fromkeys(("stability", "worst_deviation", "change_norm"), "float64")
    types = {"effective": "bool", "layer": "str", "position": "Int64", "modules": "Int64", "reason": "str"}
    return pd.DataFrame(rows, columns=COLUMNS).astype({**types, **numbers})


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
