"""Whether an edit degraded a model's capability: its side effects compared with bounds."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from steadfast.analysis.side_effects import criteria
from steadfast.analysis.side_effects.settings import Criterion

CRITERIA = criteria()
"""Criterion of each measure, by name."""
DEGRADATION = [criterion.column for criterion in CRITERIA.values()]
"""Columns of the numbers."""
UNCHANGED = {criterion.column: 1.0 if criterion.compares == "ratio" else 0.0 for criterion in CRITERIA.values()}
"""Numbers of the original."""
DISTANCE = next(name for name, criterion in CRITERIA.items() if criterion.compares == "value")
"""Name of the measure whose values are distances from the original."""
RESIDUAL_SEPARATION = 0.25
Measured = Mapping[tuple[str, str], Mapping[str, Any]]
"""Rows of the side-effects table for one model–variant pair, by measure and scope."""


class Criteria:
    """Bounds of the rules.

    Attributes:
        residual_separation: largest share of the original's separation along the direction that may remain.
        bounds: bound of each measure beyond which capability is degraded.
    """

    def __init__(self, residual_separation: float = RESIDUAL_SEPARATION, **bounds: float) -> None:
        """Set the given bounds, and the defaults for all others.

        Args:
            residual_separation: see the class.
            bounds: by measure.
        """
        self.residual_separation = residual_separation
        self.bounds = {name: rule.bound for name, rule in CRITERIA.items() if rule.bound is not None} | bounds


def degradation(numbers: Mapping[str, float], criteria: Criteria) -> str:
    """Description of the degradation by an edit; empty if there is none. NaN values (not measured) are ignored."""
    return ", ".join(text for text, _ in degradations(numbers, criteria))


def degradations(numbers: Mapping[str, float], criteria: Criteria) -> list[tuple[str, float]]:
    """Every measure that exceeds its bound: its description and the multiple of the bound."""
    found = [
        (numbers[rule.column] * (-1 if rule.falls else 1), criteria.bounds[name], rule.text)
        for name, rule in CRITERIA.items()
        if rule.bound is not None
    ]
    return [
        (text.format(value, points=100 * value), value / bound if bound else np.inf)
        for value, bound, text in found
        if value > bound
    ]


def capability_numbers(measured: Measured, unedited: Measured) -> dict[str, float]:
    """Inputs of ``degradation`` and related values; NaN if not measured.

    Args:
        measured: rows of the side-effects table for one model–variant pair, by measure and scope.
        unedited: rows of its original.
    """
    return {rule.column: _number(name, rule, measured, unedited) for name, rule in CRITERIA.items()}


def _number(measure: str, rule: Criterion, measured: Measured, unedited: Measured) -> float:
    if rule.compares == "ratio" and measure in incomparable(unedited):
        return np.nan
    found = [measured[measure, scope] for scope in rule.scopes if (measure, scope) in measured]
    values = np.array([_compared(rule, row) for row in found])
    return float(np.fmax.reduce(values)) if len(values) else np.nan


def _compared(rule: Criterion, row: Mapping[str, Any]) -> float:
    """The number of one scope; a ratio is infinite if the model has a non-finite value on some item."""
    if rule.compares != "ratio":
        return float(row[rule.compares])
    return np.inf if row["reason"] else float(row["value"]) / float(row["original"])


def incomparable(unedited: Measured) -> list[str]:
    """Ratio measures that are not finite for the original, so that the edit is not the cause."""
    return list(_incomparable(unedited))


def _incomparable(unedited: Measured) -> Iterator[str]:
    for name, rule in CRITERIA.items():
        rows = [unedited[name, scope] for scope in rule.scopes if (name, scope) in unedited]
        if rule.compares == "ratio" and any(row["reason"] for row in rows):
            yield name


def measured_effects(effects: pd.DataFrame, model: str, variant: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of one model–variant pair in the side-effects table, by measure and scope."""
    rows = effects[(effects["model"] == model) & (effects["variant"] == variant)]
    rows = rows.assign(reason=rows["reason"].astype("object").fillna(""))
    return {(str(row["measure"]), str(row["scope"])): row for row in rows.to_dict("records")}  # type: ignore[misc]
