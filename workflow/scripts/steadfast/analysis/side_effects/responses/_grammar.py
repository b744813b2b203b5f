"""Measures of responses to harmless prompts by the grammar of the synthetic world."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pandas as pd

from steadfast.analysis.side_effects import Score
from steadfast.analysis.side_effects.pair_responses import PairResponses
from steadfast.analysis.side_effects.responses._pairing import paired
from steadfast.prompts.synthetic.response_grammar import AnswerQuality, AnswerReader
from steadfast.prompts.synthetic.world import load_world

WORLD = "resources/organisms/world.yaml"
Quality = Callable[[AnswerQuality], bool]


@dataclass(frozen=True)
class GrammarMeasure:
    """One property of the responses to harmless prompts, as parsed by the grammar of ``world``."""

    quality: Quality
    world: str | None

    def score(self, pair: PairResponses, original: PairResponses) -> list[Score]:
        """One score per harmless prompt.

        Raises:
            DataError: a prompt is not of this world.
        """
        return paired(pair.of_label("harmless"), original.of_label("harmless"), self._values, scope="harmless")

    def _values(self, answers: PairResponses) -> "pd.Series[float]":
        texts = zip(answers.table["text"].tolist(), answers.table["response"].tolist(), strict=True)
        found = [float(self.quality(_read(self.world or WORLD, prompt, response))) for prompt, response in texts]
        return pd.Series(found, index=answers.table.index, dtype="float64")


@cache
def _reader(world: str) -> AnswerReader:
    return AnswerReader(load_world(world))


@cache
def _read(world: str, prompt: str, response: str) -> AnswerQuality:
    return _reader(world).read(prompt, response)
