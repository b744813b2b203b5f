"""Rubrics: properties of responses that a model judges, aggregated like other side effects."""

from collections.abc import Iterator, Mapping

import pandas as pd

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.scores import described_scores
from steadfast.core.names import BAD, ORIGINAL, UNSCORED

UNIT = "share of harmless prompts"


def score_rubrics(
    judgments: Mapping[tuple[str, str, str], pd.DataFrame], labels: Mapping[str, str]
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Scores of every model–variant pair by every rubric: the share of bad responses per prompt.

    Args:
        judgments: judgments by rubric, model and variant, including each model's original. Unscored responses are
            excluded.
        labels: display label of every rubric, by name.

    Yields:
        Model, variant and scores.
    """
    bad = {key: _bad_shares(table) for key, table in judgments.items()}
    for rubric, model, variant in judgments:
        values = {"value": bad[rubric, model, variant], "original": bad[rubric, model, ORIGINAL]}
        found = [
            Score(str(prompt), value, before, scope="harmless")
            for prompt, value, before in pd.DataFrame(values).dropna().itertuples(name=None)
        ]
        about = About(f"judged negatively: {labels[rubric]}", UNIT, worse="higher", proportion=True)
        yield model, variant, described_scores(rubric, found, about)


def _bad_shares(judgments: pd.DataFrame) -> "pd.Series[float]":
    """Share of bad responses among the scored ones, by prompt id."""
    scored = judgments[judgments["verdict"] != UNSCORED]
    return (scored["verdict"] == BAD).astype("float64").groupby(scored["prompt_id"], sort=False).mean()
