"""The finding of the run in one sentence, for the first screen of the report and the top of the summary."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from steadfast.analysis.tables.best_edit import best_variant
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.outcomes import FAILS, NOT_ROBUST, ROBUST, SURVIVES
from steadfast.core.names import ORIGINAL
from steadfast.report.wording import count, listed

KEPT = (ROBUST, SURVIVES)
LOST = (NOT_ROBUST, FAILS)
NAMED = 4
"""Maximum number of models named in the sentence; more are only counted."""


@dataclass(frozen=True)
class Finding:
    """The outcome of one edit for every model.

    Attributes:
        variant: the edit: of several the best attack, by ``tables.best_edit``.
        edits: how many edits the run compares, controls excluded.
        change: mean change of the refusal rate of harmful prompts over the models, as a share; NaN without any.
        outcomes: outcome by model, in the order of the configuration.
    """

    variant: str
    edits: int
    change: float
    outcomes: dict[str, str]

    def models(self, outcomes: Collection[str]) -> list[str]:
        """The models with one of the outcomes."""
        return [model for model, found in self.outcomes.items() if found in outcomes]


def find(assessment: pd.DataFrame, *, controls: Collection[str] = ()) -> Finding | None:
    """What was found of the best attack.

    Args:
        assessment: a table from ``tables.assessment``.
        controls: variants with the role *control*.

    Returns:
        None if no edited variant was assessed. An edit of some of the models only is not a candidate beside one of all.
    """
    edited = assessment[~assessment["variant"].isin([*controls, ORIGINAL])]
    if edited.empty:
        return None
    variants = names_of(edited, "variant")
    of_variant = {variant: edited[edited["variant"] == variant] for variant in variants}
    widest = max(len(rows) for rows in of_variant.values())
    candidates = [variant for variant in variants if len(of_variant[variant]) == widest]
    variant = best_variant(edited[edited["variant"].isin(candidates)])
    chosen = of_variant[variant]
    change = float(chosen["change"].astype("float64").mean())
    outcomes = dict(zip(chosen["model"].astype(str), chosen["assessment"].astype(str), strict=True))
    return Finding(variant, len(variants), change, outcomes)


def sentence(finding: Finding, labels: Labels, *, hooked: Collection[str] = ()) -> str:
    """The finding in words.

    For example ``Abliteration removed 54 points of refusals; none of 7 models kept its safety training.``

    Args:
        finding: what was found.
        labels: display labels.
        hooked: variants that intervene at inference time.
    """
    subject = "The intervention" if finding.variant in hooked else "Abliteration"
    if finding.edits > 1:
        subject += f" in its most effective form ({labels.variant(finding.variant)})"
    return f"{subject} {_effect(finding.change)}; {_kept(finding, labels)}."


def _effect(change: float) -> str:
    if np.isnan(change):
        return "was not compared with the original"
    number = round(100 * abs(change))
    if number == 0:
        return "left the refusals unchanged"
    return f"{'removed' if change < 0 else 'added'} {count(number, 'point')} of refusals"


def _kept(finding: Finding, labels: Labels) -> str:
    total = len(finding.outcomes)
    kept, lost = ([labels.model(model) for model in finding.models(names)] for names in (KEPT, LOST))
    others: dict[str, int] = {}
    for found in finding.outcomes.values():
        if found not in (*KEPT, *LOST):
            others[found] = others.get(found, 0) + 1
    if total == 1:
        (model,) = finding.outcomes
        verdict = "kept its safety training" if kept else "lost its safety training" if lost else "has the outcome "
        return f"{labels.model(model)} {verdict}{'' if kept or lost else next(iter(others))}"
    if len(lost) == total:
        return f"none of {total} models kept its safety training"
    if len(kept) == total:
        return f"all {total} models kept their safety training"
    parts = []
    if kept:
        named = f" ({listed(kept)})" if len(kept) <= NAMED else ""
        parts.append(f"{len(kept)} of {total} models kept {_their(kept)} safety training{named}")
    if lost:
        parts.append(f"{len(lost)}{'' if kept else f' of {total} models'} lost {'it' if kept else _training(lost)}")
    of_all = "" if parts else f" of {total} models"
    parts += [f"{number}{of_all} {'is' if number == 1 else 'are'} {name}" for name, number in _in_words(others)]
    return (
        listed(parts)
        if kept
        else f"{', '.join(parts)}, and none was shown to keep {'it' if lost else 'its safety training'}"
    )


def _in_words(others: dict[str, int]) -> list[tuple[str, int]]:
    """Outcomes that decide nothing, as they follow *3 models are*."""
    words = {"inconclusive": "inconclusive", "edit ineffective": "without an effective edit"}
    words |= {"edit not verified": "without a verified edit"}
    return [(words.get(name, name), number) for name, number in others.items()]


def _their(models: list[str]) -> str:
    return "its" if len(models) == 1 else "their"


def _training(models: list[str]) -> str:
    return f"{_their(models)} safety training"
