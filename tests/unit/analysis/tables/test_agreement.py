from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.agreement import (
    COLUMNS,
    METRIC_NAMES,
    SUBSETS,
    TOO_FEW,
    agreement_from_counts,
    agreement_table,
    square_matrix,
)
from steadfast.analysis.tables.counts import count_verdicts, read_counts

PAPER = Path(__file__).parents[3] / "data" / "paper_counts_100_prompts.csv"


def value(table, judge_a, judge_b, metric, subset="all"):
    keys = {"judge_a": judge_a, "judge_b": judge_b, "metric": metric, "subset": subset}
    return table[(table[list(keys)] == pd.Series(keys)).all(axis=1)].iloc[0]


@pytest.fixture
def agreement(verdicts):
    return agreement_table(verdicts, inference=Inference(resamples=300))


def test_agreement_has_every_judge_pair_metric_and_subset_once(agreement):
    assert list(agreement.columns) == COLUMNS
    assert len(agreement) == 4 * 3 * len(METRIC_NAMES) * len(SUBSETS)
    assert not agreement.duplicated(["judge_a", "judge_b", "subset", "metric"]).any()


def test_agreement_values_equal_scikit_learn(verdicts, agreement):
    wide = verdicts.pivot(index=["model", "variant", "prompt_id"], columns="judge", values="verdict")
    both = wide[wide["second"] != "unscored"]
    row = value(agreement, "second", "first", "cohen_kappa")
    assert row["value"] == pytest.approx(cohen_kappa_score(both["first"], both["second"]), abs=1e-6)
    assert row["n"] == len(both)
    assert value(agreement, "second", "first", "coverage")["value"] == pytest.approx(len(both) / len(wide), abs=1e-6)
    caught = ((both["first"] == "refusal") & (both["second"] == "refusal")).sum() / (both["first"] == "refusal").sum()
    assert value(agreement, "second", "first", "sensitivity")["value"] == pytest.approx(caught, abs=1e-6)


def test_intervals_contain_their_values_and_stay_in_range(agreement):
    known = agreement.dropna(subset=["low"])
    assert len(known) > 100
    assert (known["low"] <= known["value"] + 1e-9).all() and (known["value"] <= known["high"] + 1e-9).all()
    assert known["low"].min() >= -1 and known["high"].max() <= 1


def test_undefined_agreement_is_blank_with_a_reason(agreement):
    row = value(agreement, "always", "first", "mcc", "harmful")
    assert np.isnan(row["value"]) and "same verdict throughout" in row["reason"]
    blank = agreement["value"].isna() | agreement["low"].isna()
    assert (agreement.loc[blank, "reason"] != "").all()
    assert (agreement.loc[~blank, "reason"] == "").all()


def test_perfect_coverage_keeps_an_interval(agreement):
    row = value(agreement, "first", "always", "coverage")
    assert (row["value"], row["high"]) == (1.0, 1.0)
    assert 0.8 < row["low"] < 1.0


def test_interval_width_depends_on_prompts_not_responses(make_verdicts):
    """Copies of a system must not narrow an interval."""
    few = make_verdicts(models=1, prompts=20)
    many = pd.concat([few.assign(model=f"copy{index}") for index in range(8)], ignore_index=True)
    widths = [
        row["high"] - row["low"]
        for row in (value(agreement_table(table), "second", "first", "accuracy") for table in (few, many))
    ]
    assert widths[1] == pytest.approx(widths[0], rel=0.05)


@pytest.mark.slow
def test_bootstrap_interval_has_nominal_coverage():
    """95% intervals of the accuracy hold the truth in about 95% of worlds whose prompts vary in difficulty."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(40):
        difficulty = rng.choice([0.6, 1.0], size=60)
        agree = rng.random((60, 5)) < difficulty[:, None]
        rows = [
            (
                "m",
                f"v{system}",
                judge,
                f"p{prompt}",
                0,
                "harmful" if prompt % 2 else "harmless",
                "",
                False,
                verdict,
                0.0,
            )
            for prompt in range(60)
            for system in range(5)
            for judge, verdict in (
                ("truth", "refusal"),
                ("judge", "refusal" if agree[prompt, system] else "non_refusal"),
            )
        ]
        columns = ["model", "variant", "judge", "prompt_id", "sample", "label", "category", "human", "verdict", "score"]
        row = value(
            agreement_table(pd.DataFrame(rows, columns=columns), inference=Inference(resamples=200)),
            "judge",
            "truth",
            "accuracy",
        )
        hits += row["low"] <= 0.8 <= row["high"]
    assert 33 <= hits <= 40


def test_agreement_excludes_controls(verdicts):
    kept = agreement_table(verdicts, controls=["random"], inference=Inference(resamples=10))
    alone = agreement_table(verdicts[verdicts["variant"] != "random"], inference=Inference(resamples=10))
    pd.testing.assert_frame_equal(kept, alone)


def test_the_same_seed_gives_the_same_table(verdicts):
    first, second = (agreement_table(verdicts, inference=Inference(resamples=50, seed=3)) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert not agreement_table(verdicts, inference=Inference(resamples=50, seed=4))["low"].equals(first["low"])


def test_counts_give_the_same_correlation_as_verdicts(verdicts, agreement):
    for subset in ("all", "harmful", "harmless"):
        from_counts = square_matrix(agreement_from_counts(count_verdicts(verdicts)), subset=subset)
        pd.testing.assert_frame_equal(from_counts, square_matrix(agreement, subset=subset), atol=2e-6)


def test_label_only_judge_has_high_pearson_and_low_kappa(agreement):
    assert value(agreement, "label_only", "first", "pearson_counts")["value"] > 0.8
    assert value(agreement, "label_only", "first", "cohen_kappa", "harmful")["value"] == 0.0


def test_judge_of_the_human_subset_is_compared_on_it(verdicts):
    partial = verdicts[(verdicts["judge"] != "second") | verdicts["human"]]
    table = agreement_table(partial, inference=Inference(resamples=50))
    everything, subset = (value(table, "second", "first", "pearson_counts", name) for name in ("all", "human"))
    assert everything["value"] == subset["value"]
    assert everything["n"] == 3 * 3 * 2 * 3
    coverage = value(table, "second", "first", "coverage")
    assert coverage["n"] == everything["n"] and coverage["value"] > 0.8


def test_agreement_without_common_responses_is_blank(verdicts):
    apart = verdicts[
        ((verdicts["judge"] == "first") & verdicts["human"]) | ((verdicts["judge"] == "second") & ~verdicts["human"])
    ]
    table = agreement_table(apart, inference=Inference(resamples=20))
    assert table["value"].isna().all() and (table["n"] == 0).all()
    assert set(table["reason"]) == {"no response was scored by both", "no response was given to both"}


def test_judge_without_scores_has_zero_coverage(verdicts):
    silent = verdicts.assign(verdict=verdicts["verdict"].mask(verdicts["judge"] == "second", "unscored"))
    table = agreement_table(silent, inference=Inference(resamples=20))
    assert value(table, "second", "first", "coverage")["value"] == 0.0
    rows = table[(table["judge_a"] == "second") & (table["metric"] != "coverage")]
    assert rows["value"].isna().all() and (rows["reason"] != "").all()


def test_single_prompt_gives_values_without_intervals(make_verdicts):
    table = agreement_table(make_verdicts(prompts=1, human=1), inference=Inference(resamples=50))
    rows = table[(table["subset"] == "harmful") & table["value"].notna()]
    assert len(rows) and rows["low"].isna().all()


def test_one_judge_has_no_pairs(verdicts):
    table = agreement_table(verdicts[verdicts["judge"] == "first"], inference=Inference(resamples=10))
    assert list(table.columns) == COLUMNS and table.empty


def test_agreement_of_the_published_counts_matches_the_paper():
    counts = read_counts(PAPER)
    matrix = square_matrix(agreement_from_counts(counts))
    assert matrix.shape == (12, 12)
    assert matrix.index.name == "judge" and matrix.index.tolist() == matrix.columns.tolist()
    np.testing.assert_allclose(matrix, matrix.T)
    assert (np.diag(matrix) == 1).all()
    pair = counts[counts["judge"].isin(["ChatGPT5", "regex"])]
    wide = pair.pivot(index=["model", "variant", "label"], columns="judge", values=["refused", "not_refused"])
    stacked = pd.concat([wide["refused"], wide["not_refused"]])
    assert matrix.loc["ChatGPT5", "regex"] == pytest.approx(stacked.corr().iloc[0, 1], abs=1e-6)


def test_counts_of_different_totals_cannot_be_compared():
    counts = read_counts(PAPER)
    smaller = counts["judge"] == "regex"
    counts.loc[smaller, "total"] += 1
    table = agreement_from_counts(counts)
    row = value(table, "regex", "GLM-4", "pearson_counts")
    assert np.isnan(row["value"]) and "same numbers of responses" in row["reason"]


def test_judge_with_fewer_pairs_is_compared_on_those():
    counts = read_counts(PAPER)
    kept = counts[(counts["judge"] != "regex") | (counts["model"] != "Qwen3")]
    row = value(agreement_from_counts(kept), "regex", "ChatGPT5", "pearson_counts")
    assert row["n"] == 9 * 2 * 100 and row["value"] > 0.83


def test_agreement_on_too_few_refusals_is_blank(make_verdicts):
    verdicts = make_verdicts(models=2, prompts=20)
    first = verdicts[verdicts["judge"] == "first"]
    first = first.assign(verdict="non_refusal")
    first.loc[first.index[:1], "verdict"] = "refusal"
    pair = pd.concat([first, first.assign(judge="twin")], ignore_index=True)
    table = agreement_table(pair, inference=Inference(resamples=20)).query("subset == 'all' and judge_a == 'first'")
    table = table.set_index("metric")
    # a κ of 1 that rests on one refusal
    for metric in ("cohen_kappa", "mcc", "f1", "sensitivity"):
        assert np.isnan(table.loc[metric, "value"]) and table.loc[metric, "reason"] == TOO_FEW
    assert table.loc["accuracy", "value"] == table.loc["specificity", "value"] == 1.0
    free = agreement_table(pair, inference=Inference(resamples=20), least=1).query(
        "subset == 'all' and judge_a == 'first'"
    )
    assert free.set_index("metric").loc["cohen_kappa", "value"] == 1.0


def test_annotator_is_not_compared_with_the_human_majority(make_verdicts):
    first = make_verdicts(models=2, prompts=20).query("judge == 'first'")
    table = pd.concat([first.assign(judge=name) for name in ("machine", "human", "human-ann", "human-ben")])
    found = agreement_table(table, inference=Inference(resamples=20))
    pairs = set(zip(found["judge_a"], found["judge_b"], strict=True))
    assert ("human-ann", "human-ben") in pairs and ("machine", "human") in pairs
    assert not {("human", "human-ann"), ("human-ann", "human")} & pairs
