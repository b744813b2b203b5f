"""``edit_manifest.json``: what an edit did to each tensor, and whether it did what was asked."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from steadfast.architectures import Anatomy, Writer
from steadfast.directions import Direction
from steadfast.errors import DataError

MANIFEST = "edit_manifest.json"


def manifest_of(
    stream: Anatomy,
    selected: Mapping[str, Writer],
    records: Mapping[str, Mapping[str, Any]],
    direction: Direction,
    edit: Mapping[str, Any],
    untied: bool,
) -> dict[str, Any]:
    """Collect the tensors' records and pass judgment on the edit.

    ``effective`` is false if a residual ratio is off what the scale asks for, or if no edited matrix wrote
    anything along the direction: whatever the model does then says nothing about its robustness.

    Args:
        stream: the checkpoint's residual stream.
        selected: the tensors that the edit should reach.
        records: JSON of each edited tensor's record.
        direction: what was edited.
        edit: the ``edit`` stanza.
        untied: whether the head got weights of its own.

    Raises:
        DataError: a tensor that should have been edited was not.
    """
    missing = sorted(set(selected) - set(records))
    if missing:
        raise DataError(f"{len(missing)} tensor(s) were to be edited and were not, for example {missing[0]}")
    tensors = [dict(records[name]) for name in selected]
    weights = [tensor for tensor in tensors if not selected[tensor["name"]].bias]
    gates = {
        "modules_expected": sum(not writer.bias for writer in selected.values()),
        "modules_matched": len(weights),
        "residual_ok": all(tensor["residual_ok"] for tensor in tensors),
        "residual_worst": worst_deviation(weights),
        "direction_present": sum(tensor["direction_present"] for tensor in weights),
    }
    effective = bool(weights) and bool(gates["residual_ok"]) and gates["direction_present"] > 0
    return {
        "edit": dict(edit),
        "direction": {
            "method": direction.method,
            "layer": direction.layer,
            "position": direction.position,
            "count": len(direction.directions),
        },
        "depth": stream.depth,
        "hidden_size": stream.hidden_size,
        "untied": untied,
        "gates": gates,
        "effective": effective,
        "change_norm": float(np.sqrt(sum(tensor["change_norm"] ** 2 for tensor in tensors))),
        "tensors": tensors,
    }


def worst_deviation(tensors: list[dict[str, Any]]) -> float:
    """Largest difference between a residual ratio and the one asked for; 0 if there is none."""
    present = [tensor for tensor in tensors if tensor["direction_present"]]
    return max((abs(tensor["residual_ratio"] - tensor["asked_ratio"]) for tensor in present), default=0.0)
