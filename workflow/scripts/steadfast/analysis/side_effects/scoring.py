"""Measures of responses, for all model–variant pairs of a grid."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from steadfast.analysis.side_effects import RESPONSES, build_measure
from steadfast.analysis.side_effects.pair_responses import PairResponses
from steadfast.analysis.side_effects.scores import score_table
from steadfast.core.names import ORIGINAL


def score_responses(
    pairs: Sequence[tuple[str, str, pd.DataFrame]],
    prompts: pd.DataFrame,
    verdicts: pd.DataFrame,
    measures: Mapping[str, Mapping[str, object]],
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Score the responses of every model–variant pair and its original.

    Args:
        pairs: model, variant and responses of every model–variant pair, including each model's original.
        prompts: the prompt table.
        verdicts: verdicts of one judge on all variants: columns ``model``, ``variant``, ``prompt_id``, ``sample``,
            ``verdict``.
        measures: settings of measures that read responses, by name.

    Yields:
        Model, variant and scores.
    """
    built = {name: build_measure(RESPONSES, name, settings) for name, settings in measures.items()}
    judged = {pair: table for pair, table in verdicts.groupby(["model", "variant"], sort=False)}
    answered = {
        (model, variant): PairResponses.join(responses, prompts, judged.get((model, variant), verdicts.iloc[:0]))
        for model, variant, responses in pairs
    }
    for (model, variant), pair in answered.items():
        original = answered[model, ORIGINAL]
        yield (
            model,
            variant,
            score_table(RESPONSES, {name: measure.score(pair, original) for name, measure in built.items()}),
        )
