"""Paired scores of a model–variant pair and its original, by prompt."""

from collections.abc import Callable

import pandas as pd

from steadfast.analysis.side_effects import Score
from steadfast.analysis.side_effects.pair_responses import PairResponses

Values = Callable[[PairResponses], "pd.Series[float]"]


def paired(pair: PairResponses, original: PairResponses, values: Values, scope: str = "") -> list[Score]:
    """One score per prompt for which both pairs have a value.

    Args:
        pair: responses of the model–variant pair.
        original: responses of its original.
        values: computes one value per response, NaN if there is none.
        scope: scope of the scores.
    """
    both = pd.DataFrame({"value": pair.per_prompt(values(pair)), "original": original.per_prompt(values(original))})
    rows = both.dropna().itertuples()
    return [Score(str(row.Index), float(row.value), float(row.original), scope=scope) for row in rows]  # type: ignore[arg-type]


def paired_by_label(pair: PairResponses, original: PairResponses, values: Values) -> list[Score]:
    """The same, separately for harmful and harmless prompts."""
    scores = []
    for label in ("harmful", "harmless"):
        scores += paired(pair.of_label(label), original.of_label(label), values, scope=label)
    return scores
