"""The gates of an edit: checks that must pass before a change of refusals is attributed to it, with a remedy for each.

* **direction**: there is a valid direction.
* **weights**: the stored weights match the target (``edit_manifest.json``).
* **size**: the target change is larger than the rounding of the stored weights.
* **modules**: every edited module applies the target change to the same inputs (``module_agreement``).
* **answers**: the checkpoint matches the original with hooks on the edited modules (``hook_agreement``).
* **responses**: the measured weights generated them (``response_agreement``).
* **separation**: the edit reached its direction; decided by the assessment (``tables.rules``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

DIRECTION, WEIGHTS, SIZE, MODULES, ANSWERS = "direction", "weights", "size", "modules", "answers"
RESPONSES, SEPARATION = "responses", "separation"
CONFIRMED, MARGIN = 0.9, 0.05
"""Minimum share of response tokens that the edited weights must confirm, and by how much the original's share may
exceed it."""
REMEDIES = {
    DIRECTION: "choose another layer, position or method for the direction",
    WEIGHTS: "store the model in a wider format, or use a larger scale",
    SIZE: "use a larger scale, or store the model in a wider format",
    MODULES: "delete the checkpoint and bake it again; if that does not help, report the architecture",
    ANSWERS: "delete the checkpoint and bake it again; if that does not help, compare the files that were not edited",
    RESPONSES: "delete results/responses and results/answers/responses, and run again with `engine: transformers`",
}
YES, NO, NO_POWER, NOT_MEASURED = "yes", "no", "no power", ""


@dataclass(frozen=True)
class GateFailure:
    """A gate that failed.

    Attributes:
        gate: name of the gate.
        ratio: the deviation as a multiple of its bound; NaN if the gate has no bound.
        reason: what was found.
    """

    gate: str
    ratio: float
    reason: str

    @property
    def remedy(self) -> str:
        """What the user can do about it."""
        return REMEDIES[self.gate]


@dataclass(frozen=True)
class EditVerification:
    """Results of the run-time checks of an edit.

    Attributes:
        verified: ``yes``, ``no``, ``no power`` (a missed edit could not have been detected) or empty (not measured).
        module_deviation: largest deviation of a module, as a multiple of its bound; NaN if none was checked.
        modules_checked: number of modules whose change is large enough to be distinguished from no change.
        hook_deviation: distance from the hooked original, as a multiple of its bound; NaN if not measured.
        hook_share: the same as a share of the distance between original and hooked original.
        response_share: share of the response tokens that the weights confirm; NaN if not measured.
        failures: the gates that failed.
    """

    verified: str
    module_deviation: float
    modules_checked: int
    hook_deviation: float
    hook_share: float
    response_share: float
    failures: tuple[GateFailure, ...]


def stored_failure(manifest: Mapping[str, Any]) -> GateFailure | None:
    """The gate that an edit failed when it was baked, according to its manifest."""
    if manifest["effective"]:
        return None
    gates = manifest["gates"]
    return GateFailure(gates.get("failed", WEIGHTS), float(gates.get("worst_ratio", "nan")), str(manifest["reason"]))


def verification_of(scores: pd.DataFrame, measures: Mapping[str, str]) -> EditVerification:
    """Results of the run-time checks, from the measures of a checkpoint.

    Args:
        scores: a table of ``side_effects.scores.score_table``.
        measures: name of the measure that decides each gate, by gate.
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
    responses = scores[scores["measure"] == measures[RESPONSES]].dropna(subset=["value", "original"])
    confirmed, by_original = (_weighted_mean(responses, column) for column in ("value", "original"))
    if confirmed < CONFIRMED or by_original - confirmed > MARGIN:
        failures.append(_of_responses(confirmed, by_original))
    if failures:
        verified = NO
    elif len(modules) or unedited > 1:
        verified = YES
    else:
        verified = NO_POWER if len(answers) else NOT_MEASURED
    return EditVerification(verified, worst, len(modules), deviation, deviation / unedited, confirmed, tuple(failures))


def _of_modules(modules: pd.DataFrame) -> GateFailure:
    rows = modules[["item", "value", "original"]].itertuples(index=False, name=None)
    item, missing, unedited = max(rows, key=lambda row: abs(float(row[1])))
    off = int((modules["value"].abs() > 1).sum())
    ratio, bound = float(abs(missing)), 1 / float(unedited)
    share = 1 - float(missing) * bound
    reason = (
        f"{off} of {len(modules)} edited modules do not apply the edit: {item} applies {share:.0%} of the "
        f"target change (100% ± {bound:.1%}; {ratio:.3g} times the bound)"
    )
    return GateFailure(MODULES, ratio, reason)


def _of_answers(deviation: float, share: float) -> GateFailure:
    reason = (
        "the checkpoint does not match the original with hooks on the edited modules: the distance is "
        f"{share:.0%} of the edit's own effect, {deviation:.3g} times the bound"
    )
    return GateFailure(ANSWERS, deviation, reason)


def _of_responses(confirmed: float, by_original: float) -> GateFailure:
    reason = (
        f"the responses are not those of the measured weights, which find {confirmed:.0%} of their tokens most likely "
        f"(the original's weights {by_original:.0%}; at least {CONFIRMED:.0%} are expected)"
    )
    return GateFailure(RESPONSES, (1 - confirmed) / (1 - CONFIRMED), reason)


def _weighted_mean(scores: pd.DataFrame, column: str) -> float:
    if scores.empty:
        return float("nan")
    return float((scores[column] * scores["weight"]).sum() / scores["weight"].sum())
