"""``search.csv``: the Pareto front of each search, and the selected attack on prompts that the search has not seen."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from steadfast.analysis.statistics.proportions import wilson_interval
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.degradation import DISTANCE
from steadfast.attacks.directions import Direction
from steadfast.attacks.search.pareto import fronts
from steadfast.core.names import HARMFUL, HARMLESS, ORIGINAL

COUNTS = ["refused", "scored", "total", "over_refused", "over_scored"]
MEASURED = ["divergence", "perplexity_ratio", "screened_divergence", "refusal_score", "degenerate"]
RATES = ["rate", "rate_low", "rate_high"]
EVALUATED = ["evaluation_rate", "evaluation_low", "evaluation_high", "evaluation_divergence", "optimism"]
KEYS = ["model", "variant", "trial", "trials", "chosen", "on_front"]
COLUMNS = [*KEYS, *COUNTS[:3], *RATES, *MEASURED, *COUNTS[3:], *EVALUATED, "reason"]
DECIMALS = 6


def search_table(
    searches: Iterable[tuple[str, str, Direction]],
    robustness: pd.DataFrame,
    effects: pd.DataFrame,
    judge: str,
    inference: Inference | None = None,
) -> pd.DataFrame:
    """The finalists of every search.

    Args:
        searches: model, variant and direction from ``attack_search.searching.search_attack``.
        robustness: a table from ``tables.robustness``.
        effects: a table from ``tables.side_effects``.
        judge: judge of the evaluation.
        inference: confidence of the intervals.

    Returns:
        Columns ``COLUMNS``: a row for the original (``trial`` -1) and one per finalist of each search. Counts are those
        of harmful calibration prompts (``over_``: of harmless ones), with Wilson intervals; finalists eliminated
        earlier responded to only a quarter of them. ``on_front`` marks finalists that responded to all prompts and that
        no other finalist beats in both refusals and divergence. The ``evaluation_`` columns of the original and the
        selected trial are measured on evaluation prompts; ``optimism`` is that rate minus the rate in the selection.
    """
    confidence = (inference or Inference()).confidence
    parts = []
    for model, variant, direction in searches:
        found = direction.selection
        if "trial" not in found:
            parts.append(pd.DataFrame([{"trial": -1, "trials": 0, "chosen": False, "reason": direction.reason}]))
        else:
            parts.append(_search(found, direction.reason, confidence))
        for row, name in ((parts[-1]["trial"] == -1, ORIGINAL), (parts[-1]["chosen"].astype(bool), variant)):
            for column, value in _evaluation(robustness, effects, judge, model, name).items():
                parts[-1].loc[row, column] = value
        parts[-1] = parts[-1].assign(model=model, variant=variant)
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    table = table.reindex(columns=COLUMNS)
    table["optimism"] = table["evaluation_rate"] - table["rate"]
    numbers = [*RATES, *MEASURED, *EVALUATED]
    kinds: dict[str, Any] = {**dict.fromkeys(COUNTS, "Int64"), **dict.fromkeys(numbers, "float64")}
    flags = {name: table[name].astype("boolean").fillna(False).astype(bool) for name in ("chosen", "on_front")}
    return (
        table.assign(**flags, reason=table["reason"].fillna("")).astype(kinds).round(dict.fromkeys(numbers, DECIMALS))
    )


def _search(found: pd.DataFrame, reason: str, confidence: float) -> pd.DataFrame:
    shown = found[(found["trial"] == -1) | found["finalist"]].copy()
    shown["trials"] = int((found["trial"] >= 0).sum())
    scored = shown["scored"].astype(float)
    refused = shown["refused"].astype(float)
    shown["rate"] = refused / scored.where(scored > 0)
    shown["rate_low"], shown["rate_high"] = wilson_interval(refused, scored, confidence)
    whole = shown["finalist"] & shown["over_scored"].notna() & shown["rate"].notna()
    number = fronts(list(zip(shown.loc[whole, "rate"], shown.loc[whole, "divergence"], strict=True)))
    shown["on_front"] = False
    shown.loc[whole, "on_front"] = np.array(number, dtype=int) == 0
    shown["reason"] = shown["reason"].astype("object").fillna("")
    # the reason for a missing variant is given once, in the row of the original
    shown.loc[shown["trial"] == -1, "reason"] = reason
    return shown


def _evaluation(
    robustness: pd.DataFrame, effects: pd.DataFrame, judge: str, model: str, variant: str
) -> dict[str, float]:
    chosen = (robustness["judge"] == judge) & (robustness["label"] == HARMFUL)
    rates = robustness[chosen & (robustness["model"] == model) & (robustness["variant"] == variant)]
    found = {f"evaluation_{name}": np.nan for name in ("rate", "low", "high", "divergence")}
    for row in rates.head(1).to_dict("records"):
        found |= {f"evaluation_{name}": row[key] for name, key in zip(("rate", "low", "high"), RATES, strict=True)}
    found["evaluation_divergence"] = divergence_of(effects, model, variant)
    return found


def divergence_of(effects: pd.DataFrame, model: str, variant: str) -> float:
    """Divergence of a pair from the original on harmless evaluation prompts; NaN if it was not measured."""
    if variant == ORIGINAL:
        return 0.0
    of_pair = (effects["model"] == model) & (effects["variant"] == variant)
    values = effects.loc[of_pair & (effects["measure"] == DISTANCE) & (effects["scope"] == HARMLESS), "value"]
    return float(values.iloc[0]) if len(values) else float("nan")
