"""Rubrics: answers that a model judges."""

import pandas as pd

from steadfast.analysis.side_effects.rubrics import score_rubrics
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.side_effects import side_effects_table


def judgments(*verdicts):
    rows = [(f"p{index // 2}", index % 2, verdict) for index, verdict in enumerate(verdicts)]
    return pd.DataFrame(rows, columns=["prompt_id", "sample", "verdict"])


def test_rubric_scores_pair_each_prompt_with_the_original():
    judged = {
        ("helpful", "m", "original"): judgments("good", "good", "bad", "good", "unscored", "unscored"),
        ("helpful", "m", "edited"): judgments("bad", "good", "bad", "unscored", "bad", "bad"),
    }
    scores = list(score_rubrics(judged, {"helpful": "Helpful"}))
    table = scores[1][2].set_index("item")
    assert table["value"].to_dict() == {"p0": 0.5, "p1": 1.0}, "a prompt without a verdict on both is left out"
    assert table["original"].to_dict() == {"p0": 0.0, "p1": 0.5}
    row = side_effects_table(scores, Inference(resamples=100)).iloc[1]
    assert (row["title"], row["worse"], row["change"]) == ("judged negatively: Helpful", "higher", 0.5)


def test_no_rubrics_give_no_scores():
    assert list(score_rubrics({}, {})) == []
