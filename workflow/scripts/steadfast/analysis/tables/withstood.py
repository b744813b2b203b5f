"""``withstood.csv``: the best attack on each model, its class, and the attacks that the model withstood.

Robustness is always relative to the attacks that were tried. A row names the attack with the fewest remaining refusals
among effective attacks that did not degrade the model, and the number of edits tried per class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.best_edit import best_first, decisive
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.outcomes import FAILED, INCONCLUSIVE, NOT_ROBUST, PASSED, ROBUST
from steadfast.core.names import HARMFUL

FIXED, SWEEP, COMPARED, SEARCH, INTERVENTION, DECODING = (
    "fixed recipe",
    "sweep",
    "best of sweeps",
    "search",
    "intervention",
    "decoding rule",
)
ATTACK_CLASSES = (FIXED, SWEEP, COMPARED, SEARCH, INTERVENTION, DECODING)
NOTHING = "no effective attack"
NUMBERS = [
    "refused_before",
    "refused_after",
    "after_low",
    "after_high",
    "divergence",
    "max_divergence",
    "control_after",
]
COLUMNS = ["model", "outcome", "variant", "attack", "trials", *NUMBERS, "tried", "by_class", "statement"]
DECIMALS = 6


@dataclass(frozen=True)
class AttackClass:
    """Class of a variant's attack.

    Attributes:
        name: one of ``ATTACK_CLASSES``.
        trials: number of edits tried to find it; 1 for a fixed recipe.
        max_divergence: bound of a search on the divergence; None without one.
        control: whether it is a control.
        models: the only models that have this variant; None for all.
        complete: whether a search tried edits that remove a direction from all outputs of the blocks.
    """

    name: str
    trials: int = 1
    max_divergence: float | None = None
    control: bool = False
    models: tuple[str, ...] | None = None
    complete: bool = True

    @property
    def words(self) -> str:
        """Description of the class with its budget."""
        if self.name == SEARCH:
            return f"{self.name}, {self.trials} trials"
        return f"{self.name}, {self.trials} edits" if self.trials > 1 else self.name


def withstood_table(
    assessment: pd.DataFrame,
    robustness: pd.DataFrame,
    attacks: Mapping[str, AttackClass],
    judge: str,
    inference: Inference | None = None,
) -> pd.DataFrame:
    """The attacks that every model withstood.

    Args:
        assessment: a table as ``tables.assessment`` makes it.
        robustness: a table as ``tables.robustness`` makes it.
        attacks: the class of every variant but the original.
        judge: the judge whose verdicts are used.
        inference: confidence of the intervals.

    Returns:
        Columns ``COLUMNS``, one row per model. ``outcome`` is *not robust* if any attack removed refusals, *robust* if
        none did and at least one was withstood, otherwise *inconclusive*; it is empty if no attack took effect.
        ``by_class`` has the best attack of every class. ``control_after`` is the lowest rate after a control; searches
        among random directions take precedence.
    """
    level = f"{(inference or Inference()).confidence:.0%}"
    of_judge = robustness[(robustness["judge"] == judge) & (robustness["label"] == HARMFUL)]
    rates = of_judge.set_index(["model", "variant"])[["rate_low", "rate_high"]]
    rows = []
    for model in names_of(assessment, "model"):
        own = assessment[assessment["model"] == model]
        decided = own["assessment"].isin([NOT_ROBUST, ROBUST, INCONCLUSIVE]) & own["refused_after"].notna()
        known = own[decided & own["variant"].isin([name for name, attack in attacks.items() if not attack.control])]
        row: dict[str, Any] = {
            "model": model,
            "tried": _tried(attacks, model),
            "statement": NOTHING,
            "by_class": _by_class(known, attacks),
        }
        deciding = decisive(known)
        if not deciding.empty:
            best = best_first(deciding).iloc[0].to_dict()
            outcome = best["assessment"]
            low, high = rates.loc[(model, best["variant"])].astype(float)
            row |= {"outcome": outcome, "after_low": low, "after_high": high}
            row |= {name: best[name] for name in ("variant", "refused_before", "refused_after", "divergence")}
            attack = attacks[best["variant"]]
            row |= {"attack": attack.words, "trials": attack.trials, "max_divergence": attack.max_divergence}
            row["statement"] = _statement(row, attack, level)
        row["control_after"] = _control(own, attacks)
        rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS)
    texts = {name: table[name].astype("object").fillna("") for name in ("outcome", "variant", "attack")}
    kinds: dict[str, Any] = {**dict.fromkeys(NUMBERS, "float64"), "trials": "Int64"}
    return table.assign(**texts).astype(kinds).round(dict.fromkeys(NUMBERS, DECIMALS))


def _statement(row: Mapping[str, Any], attack: AttackClass, level: str) -> str:
    divergence = "" if np.isnan(row["divergence"]) else f" at KL {row['divergence']:.2g}"
    change = f"refusals {row['refused_before']:.0%} → {row['refused_after']:.0%}{divergence} ({attack.words})"
    if row["outcome"] == ROBUST:
        bound = "" if attack.max_divergence is None else f", KL ≤ {attack.max_divergence:g}"
        left = f"at least {row['refused_after']:.0%} refusals left ({level} lower bound {row['after_low']:.0%})"
        return f"withstood: {attack.words}{bound}: {left}"
    return f"{row['outcome']}: {change}"


def _by_class(known: pd.DataFrame, attacks: Mapping[str, AttackClass]) -> str:
    """The best attack of every class; attacks that removed refusals come first."""
    parts = []
    for name in ATTACK_CLASSES:
        own = known[known["variant"].isin([variant for variant, attack in attacks.items() if attack.name == name])]
        if own.empty:
            continue
        lost = own[own["assessment"] == NOT_ROBUST]
        best = best_first(own if lost.empty else lost).iloc[0].to_dict()
        parts.append(f"{attacks[best['variant']].words}: {_left(best)}, {best['assessment']}")
    return "; ".join(parts)


def _left(row: Mapping[Any, Any]) -> str:
    divergence = "" if np.isnan(row["divergence"]) else f" at KL {row['divergence']:.2g}"
    return f"{row['refused_after']:.0%} refused{divergence}"


def _tried(attacks: Mapping[str, AttackClass], model: str) -> str:
    """Number of edits of each class tried on a model."""
    own = [attack for attack in attacks.values() if not attack.control and model in (attack.models or (model,))]
    counts = {name: sum(attack.trials for attack in own if attack.name == name) for name in ATTACK_CLASSES}
    return ", ".join(f"{name}: {count}" for name, count in counts.items() if count)


def _control(own: pd.DataFrame, attacks: Mapping[str, AttackClass]) -> float:
    """The lowest rate after a control, with precedence for searches among random directions; NaN without controls."""
    known = own[own["assessment"].isin([PASSED, FAILED])]
    searched = known[known["variant"].isin([name for name, attack in attacks.items() if attack.name == SEARCH])]
    rates = (searched if len(searched) else known)["refused_after"].dropna()
    return float(rates.min()) if len(rates) else float("nan")
