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


def test_every_edited_model_and_judge_is_there_once(paper):
    assert list(paper.columns) == COLUMNS
    assert len(paper) == 10 * 12
    assert not paper.duplicated(["model", "variant", "judge"]).any()


def test_the_published_counts_flip_from_judge_to_judge(paper):
    assert row_of(paper, "SmolLM2", "ChatGPT5")["changed"] == "changed"
    assert row_of(paper, "SmolLM2", "regex")["flips"] == False  # noqa: E712
    assert row_of(paper, "SmolLM2", "GPT-oss")["flips"]
    rephrase = row_of(paper, "Score 0 + Rephrase", "Score 0 + Rephrase + Refusals")
    assert (rephrase["conclusion"], rephrase["reference_conclusion"]) == ("survives", "does not survive")
    assert rephrase["contradicts"]


def test_the_reference_never_differs_from_itself(paper):
    assert not paper.loc[paper["judge"] == "ChatGPT5", ["flips", "contradicts"]].any().any()


def test_flips_are_what_they_say(paper):
    assert (paper["flips"] == (paper["changed"] != paper["reference_changed"])).all()


def test_a_judge_that_finds_no_refusals_declares_nobody_robust(paper):
    assert set(paper.loc[paper["judge"] == "GLM-4", "conclusion"]) == {"inconclusive"}
    table = robustness_from_counts(read_counts(PAPER))
    row = table[(table["judge"] == "GLM-4") & (table["variant"] == "abliterated") & (table["label"] == "harmful")].iloc[
        0
    ]
    assert "nothing to lose" in row["note"]


def test_controls_are_left_out_and_unknown_conclusions_do_not_flip(make_verdicts):
    verdicts = make_verdicts()
    silent = verdicts.assign(verdict=verdicts["verdict"].mask(verdicts["judge"] == "second", "unscored"))
    table = conclusion_table(
        robustness_table(silent, controls=["random"], inference=Inference(resamples=20)), "first", controls=["random"]
    )
    assert set(table["variant"]) == {"abliterated"}
    rows = table[table["judge"] == "second"]
    assert set(rows["changed"]) <= {""} and not rows["flips"].any()


def test_a_reference_without_verdicts_leaves_its_side_empty(paper):
    table = conclusion_table(robustness_from_counts(read_counts(PAPER)), "nobody")
    assert set(table["reference_changed"]) == {""} and not table["flips"].any()


def test_it_reads_the_table_back_from_csv(tmp_path, paper):
    table = robustness_from_counts(read_counts(PAPER))
    table.to_csv(tmp_path / "robustness.csv", index=False)
    pd.testing.assert_frame_equal(conclusion_table(pd.read_csv(tmp_path / "robustness.csv"), "ChatGPT5"), paper)


def test_only_the_original(make_verdicts):
    table = robustness_table(make_verdicts(variants=("original",)), inference=Inference(resamples=20))
    assert list(conclusion_table(table, "first").columns) == COLUMNS and conclusion_table(table, "first").empty


def test_without_a_reference_nobody_flips():
    table = conclusion_table(robustness_from_counts(read_counts(PAPER)), None)
    assert len(table) == 120
    assert not table["flips"].any() and not table["contradicts"].any()
    assert (table[["reference", "reference_changed"]] == "").all(axis=None) and (table["changed"] != "").all()
