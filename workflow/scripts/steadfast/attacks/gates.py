"""The gates of an edit: what must hold before a change of refusals is put down to it, and what to do where it does not.

* **direction**: there is a valid direction.
* **weights**: the stored weights are what was asked for (``edit_manifest.json``).
* **size**: the change that was asked for is larger than the rounding of the stored weights.
* **modules**: every edited module applies the asked change to the same inputs (``module_agreement``).
* **answers**: the checkpoint answers as the original with hooks on the edited modules (``hook_agreement``).
* **separation**: the edit reached its direction; decided by the assessment (``tables.rules``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

DIRECTION, WEIGHTS, SIZE, MODULES, ANSWERS = "direction", "weights", "size", "modules", "answers"
SEPARATION = "separation"
REMEDIES = {
    DIRECTION: "choose another layer, position or method for the direction",
    WEIGHTS: "store the model in a wider format, or use a larger scale",
    SIZE: "use a larger scale, or store the model in a wider format",
    MODULES: "delete the checkpoint and bake it again; if that does not help, report the architecture",
    ANSWERS: "delete the checkpoint and bake it again; if that does not help, compare the files that were not edited",
}
YES, NO, NO_POWER, NOT_MEASURED = "yes", "no", "no power", ""


@dataclass(frozen=True)
class Failure:
    """A gate that failed.

    Attributes:
        gate: which.
        ratio: how far, as a multiple of its bound; NaN where it has none.
        reason: what was found.
    """

    gate: str
    ratio: float
    reason: str

    @property
    def remedy(self) -> str:
        """What to do."""
        return REMEDIES[self.gate]


@dataclass(frozen=True)
class Verification:
    """What running the checkpoint says of its edit.

    Attributes:
        verified: ``yes``, ``no``, ``no power`` (a miss could not have been seen) or empty (not measured).
        module_deviation: largest deviation of a module, as a multiple of its bound; NaN if none was checked.
        modules_checked: modules whose change is large enough to be distinguished from none.
        hook_deviation: distance of the answers from those with hooks, as a multiple of its bound; NaN if not measured.
        hook_share: the same as a share of the distance between original and hooked original.
        failures: the gates that failed.
    """

    verified: str
    module_deviation: float
    modules_checked: int
    hook_deviation: float
    hook_share: float
    failures: tuple[Failure, ...]


def stored_failure(manifest: Mapping[str, Any]) -> Failure | None:
    """The gate that an edit failed when it was baked, by its manifest."""
    if manifest["effective"]:
        return None
    gates = manifest["gates"]
    return Failure(gates.get("failed", WEIGHTS), float(gates.get("worst_ratio", "nan")), str(manifest["reason"]))


def verification_of(scores: pd.DataFrame, measures: Mapping[str, str]) -> Verification:
    """What the measures of a checkpoint say of its edit.

    Args:
        scores: a table as ``side_effects.scores.score_table`` makes it.
        measures: the measure that decides each gate, by gate.
    """
    modules, answers = (
        scores[scores["measure"] == measures[gate]].dropna(subset=["value", "original"]) for gate in (MODULES, ANSWERS)
    )
    deviation, unedited = (float(answers[column].mean()) for column in ("value", "original"))
    worst = float(modules["value"].abs().max()) if len(modules) else float("nan")
    failures = []
    if worst > 1:
        failures.append(_of_modules(modules))
    if deviation > 1:
        failures.append(_of_answers(deviation, deviation / unedited))
    if failures:
        verified = NO
    elif len(modules) or unedited > 1:
        verified = YES
    else:
        verified = NO_POWER if len(answers) else NOT_MEASURED
    return Verification(verified, worst, len(modules), deviation, deviation / unedited, tuple(failures))


def _of_modules(modules: pd.DataFrame) -> Failure:
    rows = modules[["item", "value", "original"]].itertuples(index=False, name=None)
    item, missing, unedited = max(rows, key=lambda row: abs(float(row[1])))
    off = int((modules["value"].abs() > 1).sum())
    ratio, bound = float(abs(missing)), 1 / float(unedited)
    share = 1 - float(missing) * bound
    reason = (
        f"{off} of {len(modules)} edited modules do not apply the edit: {item} applies {share:.0%} of the "
        f"target change (100% ± {bound:.1%}; {ratio:.3g} times the bound)"
    )
    return Failure(MODULES, ratio, reason)


def _of_answers(deviation: float, share: float) -> Failure:
    reason = (
        "the checkpoint does not match the original with hooks on the edited modules: the distance is "
        f"{share:.0%} of the edit's own effect, {deviation:.3g} times the bound"
    )
    return Failure(ANSWERS, deviation, reason)
