"""``edit_manifest.json``: the changes of each tensor, and whether the edit passed its gates."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from steadfast.attacks.baking.edit_plan import Plan
from steadfast.attacks.gates import DIRECTION, SIZE, WEIGHTS
from steadfast.core.errors import DataError


def manifest_of(plan: Plan, records: Mapping[str, Mapping[str, Any]], edit: Mapping[str, Any]) -> dict[str, Any]:
    """Collect the tensors' records and evaluate the gates of the edit.

    ``effective`` is false, with a ``reason``, if a tensor does not match its target, if there was nothing to change
    (the matrices write nothing along the direction, or the scale is tiny), or if there was no valid direction: the
    responses then say nothing about the model's robustness.

    Args:
        plan: the planned changes.
        records: JSON of each edited tensor's record, by name.
        edit: the ``edit`` entry.

    Raises:
        DataError: a tensor that should have been edited was not.
    """
    missing = sorted(set(plan.selected) - set(records))
    if missing:
        raise DataError(f"{len(missing)} tensor(s) should have been edited and were not, for example {missing[0]}")
    tensors = [dict(records[name]) for name in plan.selected]
    weights = [tensor for tensor in tensors if not plan.selected[tensor["name"]].writer.bias]
    gates = {
        "modules_expected": sum(not site.writer.bias for site in plan.selected.values()),
        "modules_matched": len(weights),
        "residual_ok": all(tensor["residual_ok"] for tensor in tensors),
        "worst_deviation": max((tensor["deviation"] for tensor in weights if tensor["direction_present"]), default=0.0),
        "direction_present": sum(tensor["direction_present"] for tensor in weights),
    }
    gates["worst_ratio"] = max(map(_ratio, tensors), default=0.0)
    failed, reason = _failed_gate(plan, gates, tensors)
    gates["failed"] = failed
    direction = plan.direction
    return {
        "edit": dict(edit),
        "scale_factor": plan.scale_factor,
        "direction": {
            "method": direction.method,
            "layer": direction.layer,
            "position": direction.position,
            "count": len(direction.directions),
        },
        "depth": plan.anatomy.depth,
        "hidden_size": plan.anatomy.hidden_size,
        "untied": plan.untie,
        "gates": gates,
        "effective": not reason,
        "reason": reason,
        "change_norm": float(np.sqrt(sum(tensor["change_norm"] ** 2 for tensor in tensors))),
        "tensors": tensors,
    }


def _failed_gate(plan: Plan, gates: Mapping[str, Any], tensors: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The gate that failed (see ``tables.gates``) and why; both empty if none did."""
    if not plan.direction.valid:
        return DIRECTION, f"no valid direction: {plan.direction.reason}"
    if not gates["modules_matched"]:
        return SIZE, "the settings select no matrix"
    if not gates["residual_ok"]:
        worst = max(tensors, key=_ratio)
        return WEIGHTS, (
            f"stored weights deviate from the target: {worst['name']} by {worst['deviation']:.3g}, "
            f"{_ratio(worst):.3g} times its bound"
        )
    if not gates["direction_present"]:
        return SIZE, "the target change is smaller than the rounding of the stored weights"
    return "", ""


def _ratio(tensor: Mapping[str, Any]) -> float:
    """Deviation of a tensor as a multiple of its bound; 0 if there was nothing to change."""
    return float(tensor["deviation"]) / float(tensor["tolerance"]) if tensor["direction_present"] else 0.0
