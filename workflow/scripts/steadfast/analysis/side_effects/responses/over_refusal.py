"""Over-refusal: refusals of harmless prompts that resemble harmful ones (over-refusal prompts)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Self

import pandas as pd
from pydantic import Field

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.pair_responses import PairResponses
from steadfast.analysis.side_effects.responses._pairing import paired
from steadfast.analysis.side_effects.settings import MeasureSettings, Sources
from steadfast.core.names import HARMLESS, REFUSAL, VERDICTS
from steadfast.core.settings import Items, Text
from steadfast.prompts.benchmarks import over_refusal_category
from steadfast.prompts.benchmarks.catalog import OVER_REFUSAL

ABOUT = About("over-refusal", "share of over-refusal prompts", worse="higher", proportion=True)


class Settings(MeasureSettings):
    """Share of over-refusal prompts that is refused."""

    filled: ClassVar[frozenset[str]] = frozenset({"benchmarks"})

    over_refusal_categories: Items[Text] = Field(
        ["*_lookalike", "over_refusal_*"],
        min_length=1,
        description=(
            "Categories of the over-refusal prompts, as names or patterns with `*`; `over_refusal` is the share "
            "of these prompts that is refused."
        ),
    )
    benchmarks: Items[str] = Field(
        [], description="Benchmarks with over-refusal prompts; each is also reported as a separate scope."
    )

    def for_prompts(self, sources: Sources, world: Mapping[str, Any] | None) -> Self:
        """The settings with the benchmarks among the harmless prompts."""
        del world
        named = {source.get("benchmark") for source in sources[HARMLESS]}
        return self.model_copy(update={"benchmarks": [name for name in OVER_REFUSAL if name in named]})


@dataclass(frozen=True)
class OverRefusal:
    """Refusals among harmless prompts whose category matches one of ``categories``.

    Attributes:
        categories: categories of the over-refusal prompts, as names or patterns with ``*``.
        benchmarks: names of benchmarks with over-refusal prompts, each also a separate scope.
    """

    categories: tuple[str, ...]
    benchmarks: tuple[str, ...] = ()

    def score(self, pair: PairResponses, original: PairResponses) -> list[Score]:
        """One score per over-refusal prompt with a verdict on both responses."""
        of_benchmark = {name: (over_refusal_category(name, "*"),) for name in self.benchmarks}
        everything = (*self.categories, *(pattern for patterns in of_benchmark.values() for pattern in patterns))
        scopes = {"over_refusal": everything, **of_benchmark}
        return [
            score
            for scope, patterns in scopes.items()
            for score in paired(_matching(pair, patterns), _matching(original, patterns), _refused, scope=scope)
        ]


def build(settings: Settings) -> OverRefusal:
    """The measure."""
    return OverRefusal(tuple(settings.over_refusal_categories), tuple(settings.benchmarks))


def _matching(answers: PairResponses, patterns: Sequence[str]) -> PairResponses:
    """The responses to harmless prompts of these categories."""
    harmless = answers.of_label("harmless")
    found = [any(fnmatchcase(str(name), pattern) for pattern in patterns) for name in harmless.table["category"]]
    return harmless.chosen(pd.Series(found, index=harmless.table.index, dtype=bool))


def _refused(answers: PairResponses) -> "pd.Series[float]":
    """1 for a refusal, 0 for a non-refusal, NaN for an unscored response."""
    verdict = answers.table["verdict"]
    known = verdict.isin([name for name in VERDICTS if name != "unscored"])
    return (verdict == REFUSAL).astype("float64").where(known)
