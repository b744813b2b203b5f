"""Over-refusal: refusals of harmless prompts that resemble harmful ones (over-refusal prompts)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pandas as pd

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.answers._pairing import paired
from steadfast.analysis.side_effects.responses import AnsweredPrompts
from steadfast.core.names import REFUSAL, VERDICTS
from steadfast.prompts.benchmarks import over_refusal_category

ABOUT = About("over-refusal", "share of over-refusal prompts", damage="higher", proportion=True)
OVER_REFUSAL_CATEGORIES = ("*_lookalike", "sounds_harmful_*")


@dataclass(frozen=True)
class OverRefusal:
    """Refusals among harmless prompts whose category matches one of ``categories``.

    Attributes:
        categories: categories of the over-refusal prompts, as names or patterns with ``*``.
        benchmarks: names of benchmarks with over-refusal prompts, each of which is a scope of its own as well.
    """

    categories: tuple[str, ...]
    benchmarks: tuple[str, ...] = ()

    def score(self, system: AnsweredPrompts, original: AnsweredPrompts) -> list[Score]:
        """One score per over-refusal prompt that both systems' answers have a verdict on."""
        of_benchmark = {name: (over_refusal_category(name, "*"),) for name in self.benchmarks}
        everything = (*self.categories, *(pattern for patterns in of_benchmark.values() for pattern in patterns))
        scopes = {"over_refusal": everything, **of_benchmark}
        return [
            score
            for scope, patterns in scopes.items()
            for score in paired(_matching(system, patterns), _matching(original, patterns), _refused, scope=scope)
        ]


def build(categories: Sequence[str] = OVER_REFUSAL_CATEGORIES, benchmarks: Sequence[str] = ()) -> OverRefusal:
    """The measure.

    Args:
        categories: categories of the over-refusal prompts, as names or patterns with ``*``.
        benchmarks: names of benchmarks with over-refusal prompts, each of which is a scope of its own as well.
    """
    return OverRefusal(tuple(categories), tuple(benchmarks))


def _matching(answers: AnsweredPrompts, patterns: Sequence[str]) -> AnsweredPrompts:
    """The answers to harmless prompts of these categories."""
    harmless = answers.of_class("harmless")
    found = [any(fnmatchcase(str(name), pattern) for pattern in patterns) for name in harmless.table["category"]]
    return harmless.chosen(pd.Series(found, index=harmless.table.index, dtype=bool))


def _refused(answers: AnsweredPrompts) -> "pd.Series[float]":
    """1 for a refusal, 0 for none, NaN where the judge gave no verdict."""
    verdict = answers.table["verdict"]
    known = verdict.isin([name for name in VERDICTS if name != "unscored"])
    return (verdict == REFUSAL).astype("float64").where(known)
