"""``edits.csv``: whether each edit did to the weights what it was asked to."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from steadfast.files import read_json

COLUMNS = ["model", "variant", "effective", "modules", "worst_deviation", "change_norm", "reason"]
INEFFECTIVE = "edit ineffective"


def edit_table(manifests: Iterable[tuple[str, str, str | Path]]) -> pd.DataFrame:
    """Summarise the manifests of edited checkpoints.

    Args:
        manifests: model, variant and ``edit_manifest.json`` of every edited checkpoint.

    Returns:
        Columns ``COLUMNS``: the number of edited modules, the largest distance of a residual ratio from the asked one,
        the Frobenius norm of the change of the weights, and, of an ineffective edit, why.
    """
    rows = []
    for model, variant, path in manifests:
        manifest = read_json(path)
        gates = manifest["gates"]
        rows.append(
            {
                "model": model,
                "variant": variant,
                "effective": bool(manifest["effective"]),
                "modules": int(gates["modules_matched"]),
                "worst_deviation": gates["worst_deviation"],
                "change_norm": manifest["change_norm"],
                "reason": manifest["reason"],
            }
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"effective": "bool", "worst_deviation": "float64", "change_norm": "float64", "reason": "str"})


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


def warning_lines(edits: pd.DataFrame) -> list[str]:
    """A line per ineffective edit, for the table at the end of a run."""
    missed = edits[~edits["effective"]]
    return [f"warning: {row.model}/{row.variant}: {INEFFECTIVE}: {row.reason}" for row in missed.itertuples()]
