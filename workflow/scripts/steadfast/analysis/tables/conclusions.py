"""``conclusions.csv``: which conclusions about the models depend on the judge."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from steadfast.analysis.tables.outcomes import FAILS, SURVIVES

COLUMNS = [
    "model",
    "variant",
    "judge",
    "change",
    "change_low",
    "change_high",
    "p_holm",
    "changed",
    "conclusion",
    "reference",
    "reference_changed",
    "reference_conclusion",
    "flips",
    "contradicts",
]
CHANGED, NOT_CHANGED, UNKNOWN = "changed", "not changed", ""


def conclusion_table(
    robustness: pd.DataFrame, reference: str | None, *, controls: Collection[str] = (), confidence: float = 0.95
) -> pd.DataFrame:
    """Conclusions on harmful prompts by every judge, compared with those by the reference.

    Args:
        robustness: a table from ``tables.robustness``, from verdicts or from counts.
        reference: judge whose conclusions are the reference; None if there is none.
        controls: variants with the role *control*, which are excluded.
        confidence: one minus the level at which a Holm-adjusted p-value counts as a change.

    Returns:
        Columns ``COLUMNS``, one row per model, edited variant and judge; ``reference`` is empty without one. ``flips``
        is True where *changed* or *not changed* differs from the reference; ``contradicts`` if one is *survives* and
        the other *does not survive*. Both are False where either conclusion is unknown (empty).
    """
    compared = (robustness["label"] == "harmful") & (robustness["comparison"].fillna("") != "")
    table = robustness[compared & ~robustness["variant"].isin(list(controls))]
    changed = np.where(table["p_holm"] < 1.0 - confidence, CHANGED, NOT_CHANGED)
    table = table.assign(
        changed=pd.Series(changed, index=table.index).where(table["p_holm"].notna(), UNKNOWN),
        conclusion=table["conclusion"].fillna(UNKNOWN),
    )
    of_reference = table[table["judge"] == reference].set_index(["model", "variant"])
    pairs = pd.MultiIndex.from_frame(table[["model", "variant"]])
    for column in ("changed", "conclusion"):
        found = of_reference[column].reindex(pairs).fillna(UNKNOWN)
        table[f"reference_{column}"] = found.to_numpy()
    known = (table["changed"] != UNKNOWN) & (table["reference_changed"] != UNKNOWN)
    table["flips"] = known & (table["changed"] != table["reference_changed"])
    sides = (SURVIVES, FAILS)
    decided = table["conclusion"].isin(sides) & table["reference_conclusion"].isin(sides)
    table["contradicts"] = decided & (table["conclusion"] != table["reference_conclusion"])
    texts = dict.fromkeys(("changed", "conclusion", "reference", "reference_changed", "reference_conclusion"), "str")
    return table.assign(reference=reference or "")[COLUMNS].astype(texts).reset_index(drop=True)
