"""Rubrics: qualities of answers that a model judges, summed up like any other side effect."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.scores import described_scores
from steadfast.core.files import read_table
from steadfast.core.names import ORIGINAL, REFUSAL, UNSCORED

UNIT = "share of harmless prompts"


def score_rubrics(
    systems: Sequence[tuple[str, str]], labels: Mapping[str, str], files: Sequence[str]
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Scores of every system by every rubric: the share of a prompt's answers that got the bad word.

    Args:
        systems: model and variant of every system; each model's original is among them.
        labels: display label of every rubric, by name.
        files: judgments, rubric by rubric in the order of the systems. Answers without a verdict are left out.

    Yields:
        Model, variant and scores.
    """
    paths = iter(files)
    for rubric, label in labels.items():
        bad = {system: _bad_shares(read_table(next(paths))) for system in systems}
        for model, variant in systems:
            both = pd.DataFrame({"value": bad[model, variant], "original": bad[model, ORIGINAL]}).dropna()
            found = [
                Score(str(prompt), value, before, scope="harmless")
                for prompt, value, before in both.itertuples(name=None)
            ]
            about = About(f"judged badly: {label}", UNIT, damage="higher", proportion=True)
            yield model, variant, described_scores(rubric, found, about)


def _bad_shares(judgments: pd.DataFrame) -> "pd.Series[float]":
    """Share of the scored answers with the bad word, by prompt id."""
    scored = judgments[judgments["verdict"] != UNSCORED]
    return (scored["verdict"] == REFUSAL).astype("float64").groupby(scored["prompt_id"], sort=False).mean()
