"""The prompts of a split, in the order of the prompt table."""

import pandas as pd

from steadfast.core.names import HARMFUL

ATTACK_SELECTION = "attack_selection"
CALIBRATION = "calibration"


def prompts_of(prompts: pd.DataFrame, split: str, *, first: int | None = None) -> pd.DataFrame:
    """The prompts of one split.

    Args:
        prompts: the prompt table.
        split: ``evaluation``, ``calibration``, or ``attack_selection``: the harmful ones of the calibration prompts.
        first: how many of them, from the first on; all by default.
    """
    if split == ATTACK_SELECTION:
        chosen = prompts[(prompts["split"] == CALIBRATION) & (prompts["label"] == HARMFUL)]
    else:
        chosen = prompts[prompts["split"] == split]
    return chosen if first is None else chosen.head(first)
