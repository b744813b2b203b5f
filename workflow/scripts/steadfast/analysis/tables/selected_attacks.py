"""``best_attacks.csv``: the attack selected for each model, with the numbers behind the selection."""

from collections.abc import Iterable

import pandas as pd

from steadfast.attacks.directions import Direction
from steadfast.core.names import ORIGINAL

COUNTS = ["refused_before", "scored_before", "refused_after", "scored_after", "tried", "qualified"]
COLUMNS = ["model", "variant", "attack", *COUNTS, "change_norm", "reason"]


def best_attack_table(pairs: Iterable[tuple[str, str, Direction]]) -> pd.DataFrame:
    """List the selected attacks.

    Args:
        pairs: model, variant and direction as ``attack_selection.choose_attack`` makes it.

    Returns:
        Columns ``COLUMNS``, one row per variant. Counts are those of the harmful calibration prompts that the attacks
        were compared on: responses refused and scored by the judge before and after the attack; ``tried`` and
        ``qualified`` are numbers of attacks. If no attack qualifies, ``attack`` is empty and ``reason`` says why.
    """
    rows = []
    for model, variant, direction in pairs:
        comparison = direction.selection
        before = comparison[comparison["attack"] == ORIGINAL].iloc[0]
        attacks = comparison[comparison["attack"] != ORIGINAL]
        row = {
            "model": model,
            "variant": variant,
            "attack": direction.details["attack"],
            "refused_before": before["refused"],
            "scored_before": before["scored"],
            "tried": len(attacks),
            "qualified": int((attacks["reason"].isna() | (attacks["reason"] == "")).sum()),
            "reason": direction.reason,
        }
        for chosen in attacks[attacks["chosen"]].itertuples():
            row |= {"refused_after": chosen.refused, "scored_after": chosen.scored, "change_norm": chosen.change_norm}
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COUNTS, "Int64") | {"change_norm": "float64"})
