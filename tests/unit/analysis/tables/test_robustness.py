from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from steadfast.analysis.statistics.proportions import tango_interval
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.counts import read_counts
from steadfast.analysis.tables.robustness import COLUMNS, conclude, robustness_from_counts, robustness_table

PAPER = Path(__file__).parents[3] / "data" / "paper_counts_100_prompts.csv"
KEYS = ["model", "variant", "judge", "label"]


def row_of(table, *key):
    return table[(table[KEYS] == pd.Series(dict(zip(KEYS, key, strict=True)))).all(axis=1)].iloc[0]


@pytest.fixture
def robustness(verdicts):
    return robustness_table(verdicts, controls=["random"], inference=Inference(resamples=500))


def test_rates_have_wilson_intervals(robustness):
    assert list(robustness.columns) == COLUMNS
    row = robustness.iloc[0]
    expected = proportion_confint(row["refused"], row["refused"] + row["not_refused"], method="wilson")
    assert (row["rate_low"], row["rate_high"]) == pytest.approx(expected, abs=1e-6)


def test_paired_change_and_test_equal_reference_packages(verdicts, robustness):
    row = row_of(robustness, "model1", "abliterated", "second", "harmful")
    chosen = verdicts[
        (verdicts["model"] == "model1") & (verdicts["judge"] == "second") & (verdicts["label"] == "harmful")
    ]
    wide = chosen.pivot(index="prompt_id", columns="variant", values="verdict")
    wide = wide[(wide[["original", "abliterated"]] != "unscored").all(axis=1)] == "refusal"
    table = pd.crosstab(wide["original"], wide["abliterated"]).reindex(index=[False, True], columns=[False, True])
    table = table.fillna(0)
    assert row["pairs"] == len(wide)
    assert (row["lost"], row["gained"]) == (table.loc[True, False], table.loc[False, True])
    assert row["change"] == pytest.approx((row["gained"] - row["lost"]) / len(wide), abs=1e-6)
    assert row["p"] == pytest.approx(mcnemar(table.to_numpy(), exact=True).pvalue)
    assert (row["change_low"], row["change_high"]) == pytest.approx(
        tango_interval(row["gained"], row["lost"], row["pairs"]), abs=1e-6
    )
    assert row["bootstrap_low"] <= row["change"] <= row["bootstrap_high"]
    assert (row["comparison"], row["interval"]) == ("paired", "tango_score")


def test_original_has_no_comparison(robustness):
    rows = robustness[robustness["variant"] == "original"]
    assert (rows["comparison"] == "").all() and rows["p"].isna().all() and rows["change"].isna().all()


def test_holm_corrects_over_models_and_excludes_controls(robustness):
    family = robustness[
        (robustness["judge"] == "first") & (robustness["label"] == "harmful") & (robustness["variant"] == "abliterated")
    ]
    np.testing.assert_allclose(family["p_holm"], multipletests(family["p"], method="holm")[1])
    assert robustness.loc[robustness["variant"] == "random", "p_holm"].isna().all()
    assert robustness.loc[robustness["variant"] == "random", "p"].notna().all()


def test_only_harmful_prompts_have_conclusions(robustness):
    edited = robustness[robustness["variant"] != "original"]
    assert set(edited.loc[edited["label"] == "harmful", "conclusion"]) <= {
        "survives",
        "does not survive",
        "inconclusive",
    }
    assert set(edited.loc[edited["label"] == "harmless", "conclusion"]) == {""}


@settings(deadline=None)
@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.01, 0.5))
def test_conclusion_follows_interval_and_margin(first, second, margin):
    low, high = sorted((first, second))
    verdict = conclude(low, high, margin)
    assert (verdict == "survives") == (low > -margin)
    assert (verdict == "does not survive") == (high < -margin)
    assert conclude(float("nan"), float("nan"), margin) == ""


def test_unchanged_model_survives_only_with_enough_prompts(make_verdicts):
    for prompts, expected in ((12, "inconclusive"), (60, "survives")):
        same = make_verdicts(models=1, variants=("original",), prompts=prompts)
        both = pd.concat([same, same.assign(variant="abliterated")], ignore_index=True)
        row = row_of(
            robustness_table(both, inference=Inference(resamples=50)), "model0", "abliterated", "first", "harmful"
        )
        assert (row["change"], row["p"], row["conclusion"]) == (0.0, 1.0, expected)
        assert row["change_low"] < 0 < row["change_high"]


def test_prompts_unscored_on_either_side_are_not_paired(verdicts):
    lost = (verdicts["judge"] == "first") & (verdicts["variant"] == "original") & verdicts["human"]
    table = robustness_table(
        verdicts.assign(verdict=verdicts["verdict"].mask(lost, "unscored")), inference=Inference(resamples=20)
    )
    assert row_of(table, "model0", "abliterated", "first", "harmful")["pairs"] == 9


def test_judge_without_scores_has_blank_rates(verdicts):
    silent = verdicts.assign(verdict=verdicts["verdict"].mask(verdicts["judge"] == "second", "unscored"))
    rows = robustness_table(silent, inference=Inference(resamples=20)).query("judge == 'second'")
    assert rows[["rate", "rate_low", "change", "p", "p_holm"]].isna().all().all()
    assert set(rows["conclusion"]) == {""} and (rows["unscored"] == rows["total"]).all()


def test_samples_of_a_prompt_count_as_one_unit(make_verdicts):
    once = make_verdicts(models=1, prompts=20)
    copies = pd.concat([once.assign(sample=index) for index in range(4)], ignore_index=True)
    single, several = (
        row_of(robustness_table(table), "model0", "abliterated", "first", "harmful") for table in (once, copies)
    )
    for column in ("rate", "rate_low", "rate_high", "pairs", "lost", "gained", "change", "p", "bootstrap_low"):
        assert single[column] == pytest.approx(several[column])
    assert several["refused"] == 4 * single["refused"]
    assert several["interval"] == "prompt_bootstrap"
    assert several["change_low"] == several["bootstrap_low"]


def test_robustness_works_without_controls(make_verdicts):
    table = robustness_table(make_verdicts(variants=("original", "abliterated")), inference=Inference(resamples=20))
    assert table["p_holm"].notna().sum() == len(table) / 2


def test_robustness_of_the_original_alone_has_no_change(make_verdicts):
    table = robustness_table(make_verdicts(variants=("original",)), inference=Inference(resamples=20))
    assert list(table.columns) == COLUMNS and table["rate"].notna().all() and table["change"].isna().all()


def test_the_same_seed_gives_the_same_table(verdicts):
    first, second = (robustness_table(verdicts, inference=Inference(resamples=50, seed=1)) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_change_from_counts_is_unpaired():
    table = robustness_from_counts(read_counts(PAPER))
    row = row_of(table, "SmolLM2", "abliterated", "ChatGPT5", "harmful")
    assert (row["comparison"], row["interval"], row["change"]) == ("unpaired", "newcombe", -0.4)
    expected = confint_proportions_2indep(15, 50, 35, 50, method="newcomb", compare="diff")
    assert (row["change_low"], row["change_high"]) == pytest.approx(expected, abs=1e-6)
    assert row["p"] == pytest.approx(fisher_exact([[15, 35], [35, 15]])[1])
    assert row["conclusion"] == "does not survive"
    assert pd.isna(row["pairs"]) and np.isnan(row["bootstrap_low"])
    family = table[(table["judge"] == "ChatGPT5") & (table["label"] == "harmful") & (table["variant"] == "abliterated")]
    np.testing.assert_allclose(family["p_holm"], multipletests(family["p"], method="holm")[1])


def test_counts_without_a_baseline_give_rates_only():
    counts = read_counts(PAPER).query("variant != 'original'")
    table = robustness_from_counts(counts)
    assert len(table) == 240 and table["rate"].notna().all() and (table["comparison"] == "").all()
