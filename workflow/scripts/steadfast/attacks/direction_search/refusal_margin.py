"""The refusal margin of a model: log odds, before any edit, that a response begins with a refusal token."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.attacks.direction_search.refusal_score import ModelAccess, refusal_score, select_refusal_tokens
from steadfast.core.names import PROMPT_LABELS

COLUMNS = ["label", "prompts", "margin", "tokens"]
DECIMALS = 6


def refusal_margins(model_dir: str | Path, prompts: pd.DataFrame, **settings: Any) -> pd.DataFrame:
    """Mean log odds that the response to an evaluation prompt begins with a refusal token, per label.

    Refusal tokens are the first tokens that distinguish the responses to harmful calibration prompts from those to
    harmless ones (``steadfast.attacks.direction_search.refusal_score.select_refusal_tokens``).

    Args:
        model_dir: a model directory of the workflow, or a plain checkpoint directory.
        prompts: columns ``prompt_id, text, label, split``.
        settings: fields of ``steadfast.attacks.direction_search.refusal_score.ModelAccess``.

    Returns:
        One row per label: ``label``, ``prompts``, ``margin`` (nats; NaN if no token indicates refusals) and ``tokens``,
        separated by spaces.
    """
    access = ModelAccess(model_dir, prompts, **settings)
    calibration = _ids(prompts, "calibration")
    means = {
        label: access.log_probabilities(access.encode(ids)).exp().mean(dim=0) for label, ids in calibration.items()
    }
    tokens = select_refusal_tokens(means["harmful"], means["harmless"])
    names = " ".join(map(str, access.tokenizer.convert_ids_to_tokens(tokens)))
    rows = [
        (label, len(ids), refusal_score(access.log_probabilities(access.encode(ids)), tokens), names)
        for label, ids in _ids(prompts, "evaluation").items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS).round({"margin": DECIMALS})


def _ids(prompts: pd.DataFrame, split: str) -> Mapping[str, list[str]]:
    chosen = prompts[prompts["split"] == split]
    return {label: chosen.loc[chosen["label"] == label, "prompt_id"].tolist() for label in PROMPT_LABELS}
