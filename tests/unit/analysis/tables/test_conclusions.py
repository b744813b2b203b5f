from pathlib import Path

import pandas as pd
import pytest

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.conclusions import COLUMNS, conclusion_table
from steadfast.analysis.tables.counts import read_counts
from steadfast.analysis.tables.robustness import robustness_from_counts, robustness_table

PAPER = Path(__file__).parents[3] / "data" / "paper_counts_100_prompts.csv"


@pytest.fixture(scope="module")
def paper():
    return conclusion_table(robustness_from_counts(read_counts(PAPER)), "ChatGPT5")


def row_of(table, model, judge):
    return table[(table["model"] == model) & (table["judge"] == judge)].iloc[0]


def test_conclusions_have_every_model_and_judge_once(paper):
    assert list(paper.columns) == COLUMNS
    assert len(paper) == 10 * 12
    assert not paper.duplicated(["model", "variant", "judge"]).any()


def test_conclusions_of_the_published_counts_differ_by_judge(paper):
    assert row_of(paper, "SmolLM2", "ChatGPT5")["changed"] == "changed"
    assert row_of(paper, "SmolLM2", "regex")["flips"] == False  # noqa: E712
    assert row_of(paper, "SmolLM2", "GPT-oss")["flips"]
    rephrase = row_of(paper, "Score 0 + Rephrase", "Score 0 + Rephrase + Refusals")
    assert (rephrase["conclusion"], rephrase["reference_conclusion"]) == ("survives", "does not survive")
    assert rephrase["contradicts"]


def test_the_reference_never_differs_from_itself(paper):
    assert not paper.loc[paper["judge"] == "ChatGPT5", ["flips", "contradicts"]].any().any()


def test_flip_means_a_changed_conclusion(paper):
    assert (paper["flips"] == (paper["changed"] != paper["reference_changed"])).all()


def test_judge_without_refusals_is_always_inconclusive(paper):
    assert set(paper.loc[paper["judge"] == "GLM-4", "conclusion"]) == {"inconclusive"}
    table = robustness_from_counts(read_counts(PAPER))
    row = table[(table["judge"] == "GLM-4") & (table["variant"] == "abliterated") & (table["label"] == "harmful")].iloc[
        0
    ]
    assert "nothing to lose" in row["note"]


def test_conclusions_exclude_controls_and_skip_blank_ones(make_verdicts):
    verdicts = make_verdicts()
    silent = verdicts.assign(verdict=verdicts["verdict"].mask(verdicts["judge"] == "second", "unscored"))
    table = conclusion_table(
        robustness_table(silent, controls=["random"], inference=Inference(resamples=20)), "first", controls=["random"]
    )
    assert set(table["variant"]) == {"abliterated"}
    rows = table[table["judge"] == "second"]
    assert set(rows["changed"]) <= {""} and not rows["flips"].any()


def test_reference_without_verdicts_is_blank(paper):
    table = conclusion_table(robustness_from_counts(read_counts(PAPER)), "nobody")
    assert set(table["reference_changed"]) == {""} and not table["flips"].any()


def test_conclusions_accept_a_table_read_from_csv(tmp_path, paper):
    table = robustness_from_counts(read_counts(PAPER))
    table.to_csv(tmp_path / "robustness.csv", index=False)
    pd.testing.assert_frame_equal(conclusion_table(pd.read_csv(tmp_path / "robustness.csv"), "ChatGPT5"), paper)


def test_conclusions_of_the_original_alone_are_empty(make_verdicts):
    table = robustness_table(make_verdicts(variants=("original",)), inference=Inference(resamples=20))
    assert list(conclusion_table(table, "first").columns) == COLUMNS and conclusion_table(table, "first").empty


def test_conclusions_without_a_reference_never_flip():
    table = conclusion_table(robustness_from_counts(read_counts(PAPER)), None)
    assert len(table) == 120
    assert not table["flips"].any() and not table["contradicts"].any()
    assert (table[["reference", "reference_changed"]] == "").all(axis=None) and (table["changed"] != "").all()
