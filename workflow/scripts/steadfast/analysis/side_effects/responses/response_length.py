"""Length of the responses, in tokens: edits can make responses shorter or longer."""

from dataclasses import dataclass

import pandas as pd

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.pair_responses import PairResponses
from steadfast.analysis.side_effects.responses._pairing import paired_by_label
from steadfast.analysis.side_effects.settings import MeasureSettings

ABOUT = About("response length", "tokens", worse="neither")


class Settings(MeasureSettings):
    """Length of the responses."""


@dataclass(frozen=True)
class ResponseLength:
    """See the module."""

    def score(self, pair: PairResponses, original: PairResponses) -> list[Score]:
        """One score per prompt, by label."""
        return paired_by_label(pair, original, _tokens)


def _tokens(answers: PairResponses) -> "pd.Series[float]":
    """Tokens of each response; NaN for imported responses, whose tokens are unknown."""
    counted = answers.table["n_tokens"].astype("float64")
    return counted.where(counted >= 0)


def build(_settings: Settings) -> ResponseLength:
    """The measure."""
    return ResponseLength()
