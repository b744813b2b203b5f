from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steadfast.analysis.tables.counts import read_counts
from steadfast.analysis.tables.display_names import Labels
from steadfast.report.text_summary import assessment_lines, finding_lines, summary_table, withstood_lines

PAPER = Path(__file__).parents[3] / "data" / "paper_counts_100_prompts.csv"


def counts_of(rows):
    columns = ["model", "variant", "judge", "label", "refused", "not_refused", "unscored"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(total=table["refused"] + table["not_refused"] + table["unscored"])


SMALL = counts_of(
    [
        ("raw", "original", "regex", "harmful", 9, 1, 0),
        ("raw", "original", "regex", "harmless", 1, 9, 0),
        ("raw", "edited", "regex", "harmful", 4, 4, 2),
        ("raw", "edited", "regex", "harmless", 0, 10, 0),
        ("raw", "random", "regex", "harmful", 8, 2, 0),
        ("raw", "random", "regex", "harmless", 2, 8, 0),
    ]
)


def test_summary_text_is_as_expected():
    labels = Labels(models={"raw": "Raw data"}, variants={"random": "Random"}, judges={"regex": "Regex"})
    assert summary_table(SMALL, labels, controls=["random"]).splitlines() == [
        "Harmful prompts refused: original → edited (of 10)",
        "                Regex",
        "Raw data  9 → 4 (+2?)",
        "",
        "All models together: original → variant (of 10)",
        "                                  Regex",
        "harmful   edited            9 → 4 (+2?)",
        "harmful   Random (control)        9 → 8",
        "harmless  edited                  1 → 0",
        "harmless  Random (control)        1 → 2",
        "",
        "(+n?): n unscored responses.",
    ]


def test_every_column_has_its_own_denominator():
    few = counts_of([("raw", "original", "human", "harmful", 2, 3, 0), ("raw", "edited", "human", "harmful", 1, 4, 0)])
    text = summary_table(pd.concat([SMALL[SMALL["label"] == "harmful"], few], ignore_index=True), controls=["random"])
    assert text.splitlines()[:3] == [
        "Harmful prompts refused: original → edited",
        "     regex (of 10)  human (of 5)",
        "raw    9 → 4 (+2?)         2 → 1",
    ]
    assert " to " not in text


def test_cells_state_denominators_that_differ_within_a_column():
    more = SMALL[SMALL["label"] == "harmful"].assign(model="new", not_refused=11, unscored=0)
    more = more.assign(total=more["refused"] + 11)
    text = summary_table(pd.concat([SMALL[SMALL["label"] == "harmful"], more], ignore_index=True), controls=["random"])
    assert "raw  9/10 → 4/10 (+2?)" in text
    assert "new        9/20 → 4/15" in text


def test_summary_starts_with_the_finding():
    rows = [("raw", "edited", "robust", "", "", ""), ("new", "edited", "not robust", "", "", "")]
    table = assessment_of(rows).assign(change=[-0.04, -0.9], refused_after=[0.9, 0.1])
    assert finding_lines(table, Labels(judges={"exact": "Grammar"})) == [
        "Abliteration removed 47 points of refusals; 1 of 2 models kept its safety training (raw) and 1 lost",
        "it. Reference judge: Grammar.",
    ]
    assert finding_lines(table.iloc[:0]) == []


@pytest.mark.parametrize("width", [60, 100, 300])
def test_summary_respects_the_width_and_keeps_every_judge(width):
    counts = read_counts(PAPER)
    text = summary_table(counts, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert text.count("ChatGPT5") == 2
    assert "49 → 34" in text and "455 → 406" in text


def test_very_narrow_terminal_shows_one_judge_per_block():
    text = summary_table(read_counts(PAPER), width=1)
    assert text.count("Qwen3") > 12


def test_summary_of_the_original_alone_has_no_arrows():
    text = summary_table(SMALL[SMALL["variant"] == "original"])
    assert "raw      9" in text and "→" not in text


def test_variant_of_some_models_is_pooled_over_those():
    other = counts_of([("new", "original", "regex", "harmful", 10, 0, 0)])
    text = summary_table(pd.concat([SMALL, other], ignore_index=True))
    assert "9 → 4 (+2?)" in text.split("All models")[1]


def test_models_with_the_same_label_keep_separate_rows():
    twice = pd.concat([SMALL, SMALL.assign(model="again", refused=0)], ignore_index=True)
    text = summary_table(twice, Labels(models={"raw": "Same", "again": "Same"}))
    assert sum(line.startswith("Same") for line in text.splitlines()) == 4


def assessment_of(rows):
    columns = ["model", "variant", "assessment", "reason", "note", "remedy"]
    return pd.DataFrame(rows, columns=columns).assign(judge="exact")


def test_assessment_lines_state_outcome_reason_and_remedy():
    table = assessment_of(
        [
            ("raw", "edited", "not robust", "refuses 30% instead of 98%", "not specific", ""),
            ("raw", "random", "control failed", "80% refused", "", "bake it again"),
            ("safe", "edited", "robust", "the refusals stay", None, None),
            ("safe", "random", "control passed", "99% refused", "", ""),
        ]
    )
    labels = Labels(models={"raw": "Raw data"}, variants={"random": "Random"}, judges={"exact": "Grammar"})
    assert assessment_lines(table, labels) == [
        "Robustness assessment (by Grammar)",
        "Raw data, edited  ✗ not robust      refuses 30% instead of 98%; not specific",
        "Raw data, Random  ✗ control failed  80% refused; bake it again",
        "safe, edited      ✓ robust          the refusals stay",
        "Controls passed: 1 of 2 (Random)",
    ]


def test_best_attack_lines_state_class_and_budget():
    table = pd.DataFrame(
        {
            "model": ["raw", "safe"],
            "statement": ["not robust: refusals 98% → 4% at KL 0.03 (search, 60 trials)", "no effective attack"],
            "by_class": ["fixed recipe: 90% refused, robust; search, 60 trials: 4% refused, not robust", np.nan],
        }
    )
    assert withstood_lines(table, Labels(models={"raw": "Raw data"})) == [
        "Best attack of each model, and its budget",
        "Raw data  not robust: refusals 98% → 4% at KL 0.03 (search, 60 trials)",
        "          each class: fixed recipe: 90% refused, robust; search, 60 trials: 4% refused, not robust",
        "safe      no effective attack",
    ]
    assert withstood_lines(table.head(0)) == []


def test_long_reasons_are_wrapped_and_empty_assessments_omitted():
    lines = assessment_lines(assessment_of([("raw", "edited", "inconclusive", "word " * 40, "", "")]), width=60)
    assert len(lines) > 3
    assert max(map(len, lines)) <= 60
    assert assessment_lines(assessment_of([])) == []
