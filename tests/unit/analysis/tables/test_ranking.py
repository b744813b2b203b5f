from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.counts import count_verdicts, read_counts
from steadfast.analysis.tables.ranking import (
    COLUMNS,
    FEW_MODELS,
    LEAST_MODELS,
    ranking_from_counts,
    ranking_table,
    tau_matrix,
)

PAPER = Path(__file__).parents[3] / "data" / "paper_counts_100_prompts.csv"
KEYS = ["judge_a", "judge_b", "quantity", "variant"]


def row_of(table, *key):
    return table[(table[KEYS] == pd.Series(dict(zip(KEYS, key, strict=True)))).all(axis=1)].iloc[0]


@pytest.fixture
def verdicts(make_verdicts):
    table = make_verdicts(models=6)
    return table.assign(verdict=table["verdict"].replace("unscored", "non_refusal"))


def test_tau_equals_scipy_on_rates_and_on_changes(verdicts):
    table = ranking_table(verdicts, controls=["random"], inference=Inference(resamples=50))
    assert list(table.columns) == COLUMNS
    assert len(table) == 4 * 3 * 3
    harmful = verdicts[verdicts["label"] == "harmful"]
    rates = harmful.assign(refused=harmful["verdict"] == "refusal").pivot_table(
        index="model", columns=["judge", "variant"], values="refused"
    )
    for quantity, values in (
        ("rate", {judge: rates[judge, "abliterated"] for judge in ("first", "second")}),
        ("change", {judge: rates[judge, "abliterated"] - rates[judge, "original"] for judge in ("first", "second")}),
    ):
        expected = kendalltau(values["first"].round(9), values["second"].round(9)).statistic
        row = row_of(table, "first", "second", quantity, "abliterated")
        assert row["tau"] == pytest.approx(expected, abs=1e-6)
        assert row["models"] == 6 and row["reason"] == ""
        assert -1 <= row["low"] <= row["high"] <= 1


def test_counts_alone_give_the_same_tau_without_interval(verdicts):
    from_verdicts, from_counts = (
        ranking_table(verdicts, inference=Inference(resamples=5)),
        ranking_from_counts(count_verdicts(verdicts)),
    )
    pd.testing.assert_frame_equal(from_verdicts[[*KEYS, "tau", "models"]], from_counts[[*KEYS, "tau", "models"]])
    known = from_counts["tau"].notna()
    assert (
        from_counts["low"].isna().all()
        and (from_counts.loc[known, "reason"].str.contains("counts do not identify the prompts")).all()
    )


def test_constant_judge_has_a_blank_tau_with_reason(verdicts):
    row = row_of(ranking_table(verdicts, inference=Inference(resamples=20)), "always", "first", "rate", "original")
    assert np.isnan(row["tau"]) and "alike" in row["reason"]


def test_judge_of_few_prompts_is_ranked_on_those(verdicts):
    few = verdicts[(verdicts["judge"] != "second") | verdicts["human"]]
    same = few[few["human"]]
    keys = ("first", "second", "rate", "original")
    assert (
        row_of(ranking_table(few, inference=Inference(resamples=5)), *keys)["tau"]
        == row_of(ranking_table(same, inference=Inference(resamples=5)), *keys)["tau"]
    )


@pytest.mark.parametrize("models", [1, LEAST_MODELS - 1])
def test_few_models_have_a_blank_tau_with_reason(make_verdicts, models):
    table = ranking_table(make_verdicts(models=models), inference=Inference(resamples=5))
    assert table["tau"].isna().all() and set(table["reason"]) == {FEW_MODELS}
    assert set(table["models"]) == {models}


def test_single_judge_gives_an_empty_ranking(verdicts):
    assert ranking_table(verdicts[verdicts["judge"] == "first"], inference=Inference(resamples=5)).empty


def test_tau_matrix_of_the_published_counts_is_symmetric():
    matrix = tau_matrix(ranking_from_counts(read_counts(PAPER)), "rate", "original")
    assert matrix.shape == (12, 12) and (np.diag(matrix) == 1).all()
    np.testing.assert_allclose(matrix, matrix.T)
