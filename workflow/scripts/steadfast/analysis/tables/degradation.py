"""Whether an edit degraded a model's capability: its side effects compared with bounds."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from steadfast.analysis.side_effects import criteria
from steadfast.analysis.side_effects.settings import Criterion

CRITERIA = criteria()
"""What is read of each measure, by its name."""
DEGRADATION = [criterion.column for criterion in CRITERIA.values()]
"""Columns of the numbers."""
UNCHANGED = {criterion.column: 1.0 if criterion.compares == "ratio" else 0.0 for criterion in CRITERIA.values()}
"""The numbers of the original itself."""
DISTANCE = next(name for name, criterion in CRITERIA.items() if criterion.compares == "value")
"""The measure whose values are distances from the original."""
RESIDUAL_SEPARATION = 0.25
Measured = Mapping[tuple[str, str], Mapping[str, Any]]
"""The rows of the table of side effects of one model–variant pair, by measure and scope."""


class Criteria:
    """Bounds of the rules.

    Attributes:
        residual_separation: largest share of the original's separation along the direction that may remain.
        bounds: by measure, the number beyond which capability is degraded.
    """

    def __init__(self, residual_separation: float = RESIDUAL_SEPARATION, **bounds: float) -> None:
        """The bounds that are given, and the defaults of all others.

        Args:
            residual_separation: see the class.
            bounds: by measure.
        """
        self.residual_separation = residual_separation
        self.bounds = {name: rule.bound for name, rule in CRITERIA.items() if rule.bound is not None} | bounds


def degradation(numbers: Mapping[str, float], criteria: Criteria) -> str:
    """How an edit degraded a model's capability; empty if it did not. NaN values were not measured and are ignored."""
    return ", ".join(text for text, _ in degradations(numbers, criteria))


def degradations(numbers: Mapping[str, float], criteria: Criteria) -> list[tuple[str, float]]:
    """Every measure that exceeds its bound: in words, and as a multiple of the bound."""
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
        measured: rows of the table of side effects of one model–variant pair, by measure and scope.
        unedited: those of its original.
    """
    return {rule.column: _number(name, rule, measured, unedited) for name, rule in CRITERIA.items()}


def _number(measure: str, rule: Criterion, measured: Measured, unedited: Measured) -> float:
    if rule.compares == "ratio" and measure in incomparable(unedited):
        return np.nan
    found = [measured[measure, scope] for scope in rule.scopes if (measure, scope) in measured]
    values = np.array([_compared(rule, row) for row in found])
    return float(np.fmax.reduce(values)) if len(values) else np.nan


def _compared(rule: Criterion, row: Mapping[str, Any]) -> float:
    """The number of one scope; a ratio is infinite where the model gives no finite value on some item."""
    if rule.compares != "ratio":
        return float(row[rule.compares])
    return np.inf if row["reason"] else float(row["value"]) / float(row["original"])


def incomparable(unedited: Measured) -> list[str]:
    """Ratio measures that are not finite for the original, which is not caused by the edit."""
    return list(_incomparable(unedited))


def _incomparable(unedited: Measured) -> Iterator[str]:
    for name, rule in CRITERIA.items():
        rows = [unedited[name, scope] for scope in rule.scopes if (name, scope) in unedited]
        if rule.compares == "ratio" and any(row["reason"] for row in rows):
            yield name


def measured_effects(effects: pd.DataFrame, model: str, variant: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of one model–variant pair in the table of side effects, by measure and scope."""
    rows = effects[(effects["model"] == model) & (effects["variant"] == variant)]
    rows = rows.assign(reason=rows["reason"].astype("object").fillna(""))
    return {(str(row["measure"]), str(row["scope"])): row for row in rows.to_dict("records")}  # type: ignore[misc]
