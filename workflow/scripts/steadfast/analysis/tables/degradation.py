"""Whether an edit degraded a model's capability: what is read of its side effects, and the bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

PERPLEXITY = ("perplexity", "held-out text")
Measured = Mapping[tuple[str, str], Mapping[str, Any]]
"""The rows of the table of side effects of one system, by measure and scope."""


@dataclass(frozen=True)
class Criteria:
    """Bounds of the rules.

    Attributes:
        separation_kept: largest share of the original's separation along the direction that an effective edit leaves.
        degenerate: largest increase of the share of degenerate responses, in either class, of a model that works.
        perplexity: largest ratio of the perplexities after and before.
        on_topic: largest loss of harmless on-topic responses, as a share of the prompts.
    """

    separation_kept: float = 0.25
    degenerate: float = 0.2
    perplexity: float = 2.0
    on_topic: float = 0.2


def damage(numbers: Mapping[str, float], criteria: Criteria) -> str:
    """How an edit degraded a model's capability, or nothing: what is NaN was not measured and degrades nothing."""
    return ", ".join(text for text, _ in degradations(numbers, criteria))


def degradations(numbers: Mapping[str, float], criteria: Criteria) -> list[tuple[str, float]]:
    """Every measure that exceeds its bound: in words, and as a multiple of the bound."""
    found = [
        (numbers["degenerate_change"], criteria.degenerate, "{:+.0%} degenerate responses"),
        (numbers["perplexity_ratio"], criteria.perplexity, "{:.1f} times the perplexity"),
        (-numbers["on_topic_change"], criteria.on_topic, "{:.0%} fewer harmless on-topic responses"),
    ]
    return [(text.format(value), value / bound if bound else np.inf) for value, bound, text in found if value > bound]


def damage_numbers(measured: Measured, unedited: Measured) -> dict[str, float]:
    """What ``damage`` reads, and the divergence; NaN where something was not measured.

    Args:
        measured: rows of the table of side effects of one system, by measure and scope.
        unedited: those of its original.
    """

    def number(measure: str, scope: str, column: str) -> float:
        found = measured.get((measure, scope))
        return float(found[column]) if found is not None else np.nan

    perplexity = [number(*PERPLEXITY, column) for column in ("original", "value")]
    degenerate = [number("degenerate", scope, "change") for scope in ("harmful", "harmless")]
    return {
        "degenerate_change": float(np.fmax(degenerate[0], degenerate[1])),
        "perplexity_ratio": np.nan if lacks_perplexity(unedited) else _ratio(measured.get(PERPLEXITY), *perplexity),
        "on_topic_change": number("on_topic", "harmless", "change"),
        "divergence": number("divergence", "harmless", "value"),
    }


def _ratio(found: Mapping[str, Any] | None, before: float, after: float) -> float:
    """Perplexity after / before; infinite where the model gives no finite one on some document."""
    return np.inf if found is not None and found["reason"] else after / before


def lacks_perplexity(measured: Measured) -> bool:
    """Whether a model has no finite perplexity; of an original that is not an edit's fault."""
    found = measured.get(PERPLEXITY)
    return found is not None and bool(found["reason"])


def measured_effects(effects: pd.DataFrame, model: str, variant: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of one system in the table of side effects, by measure and scope."""
    rows = effects[(effects["model"] == model) & (effects["variant"] == variant)]
    rows = rows.assign(reason=rows["reason"].astype("object").fillna(""))
    return {(str(row["measure"]), str(row["scope"])): row for row in rows.to_dict("records")}  # type: ignore[misc]
