import numpy as np
import pandas as pd
import pytest

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.corrections import COLUMNS, corrected_rates
from steadfast.analysis.tables.robustness import robustness_table

KEYS = ["model", "variant", "judge", "label"]
QUICK = Inference(resamples=200)


def row_of(table, *key):
    return table[(table[KEYS] == pd.Series(dict(zip(KEYS, key, strict=True)))).all(axis=1)].iloc[0]


def with_people(verdicts, chosen=None):
    """Add human labels: the verdicts of the judge ``first`` on the human subset."""
    subset = verdicts["human"] if chosen is None else chosen
    people = verdicts[(verdicts["judge"] == "first") & subset].assign(judge="human")
    return pd.concat([verdicts, people], ignore_index=True)


@pytest.fixture(scope="module")
def labeled(make_verdicts):
    """Verdicts; no test changes them."""
    return with_people(make_verdicts(models=4, prompts=40, human=30))


@pytest.fixture(scope="module")
def corrected(labeled):
    """Their corrected rates; no test changes them."""
    return corrected_rates(labeled, inference=QUICK)


def test_corrections_cover_every_judge_except_the_human(corrected):
    assert list(corrected.columns) == [*KEYS, *COLUMNS]
    assert len(corrected) == 4 * 3 * 4 * 2
    assert "human" not in set(corrected["judge"])


def test_perfect_judge_keeps_its_rate(labeled, corrected):
    row = row_of(corrected, "model1", "abliterated", "first", "harmful")
    chosen = labeled[(labeled[KEYS] == pd.Series(row[KEYS])).all(axis=1)]
    raw = (chosen["verdict"] == "refusal").mean()
    assert row["rogan_gladen"] == pytest.approx(raw)
    assert row["ppi"] == pytest.approx(raw, abs=0.05)
    assert row["rogan_gladen_low"] < raw < row["rogan_gladen_high"]
    assert row["correction"] == ""


def test_correction_moves_rates_towards_the_truth(make_verdicts):
    """`second` turns every tenth verdict over; the corrected rates come nearer to the truth than its own."""
    verdicts = with_people(make_verdicts(models=6, prompts=80, human=60, seed=5))
    table = corrected_rates(verdicts, inference=QUICK).query("judge == 'second' and label == 'harmful'")
    keys = ["model", "variant"]
    harmful = verdicts[(verdicts["label"] == "harmful") & (verdicts["verdict"] != "unscored")]
    rates = harmful.assign(refused=harmful["verdict"] == "refusal").groupby(["judge", *keys])["refused"].mean()
    truth, raw = (rates[judge].loc[table.set_index(keys).index].to_numpy() for judge in ("first", "second"))
    for column in ("rogan_gladen", "ppi"):
        found = table[column].to_numpy()
        assert np.abs(found - truth).mean() < 0.7 * np.abs(raw - truth).mean()
        assert ((table[f"{column}_low"] <= truth) & (truth <= table[f"{column}_high"])).mean() > 0.85


def test_corrected_change_approximates_the_true_change(corrected):
    row = row_of(corrected, "model0", "abliterated", "first", "harmful")
    before = row_of(corrected, "model0", "original", "first", "harmful")
    assert row["ppi_change"] == pytest.approx(row["ppi"] - before["ppi"], abs=0.1)
    assert np.isnan(before["ppi_change"])


def test_few_labels_are_flagged_with_a_wide_interval(make_verdicts):
    table = corrected_rates(with_people(make_verdicts(prompts=30, human=5)), inference=QUICK)
    row = row_of(table, "model0", "original", "first", "harmful")
    assert row["labeled"] == 5
    assert "only 5 labeled prompts" in row["correction"]
    assert row["ppi_high"] - row["ppi_low"] > 0.5


def test_perfect_judge_keeps_rates_with_few_equal_labels(make_verdicts):
    verdicts = make_verdicts(models=4, prompts=40, seed=3)
    alike = (verdicts["judge"] == "first") & (verdicts["variant"] == "abliterated") & (verdicts["label"] == "harmful")
    refused = verdicts["verdict"] == "refusal"
    prompts = verdicts.loc[alike & ~refused, "prompt_id"].value_counts()
    chosen = verdicts["prompt_id"].isin(prompts.index[:5])
    table = corrected_rates(with_people(verdicts, chosen), inference=QUICK).query("judge == 'first' and labeled > 0")
    rates = verdicts[verdicts["judge"] == "first"].assign(refused=refused).groupby(["model", "variant", "label"])
    truth = rates["refused"].mean().loc[table.set_index(["model", "variant", "label"]).index].to_numpy()
    assert np.abs(table["ppi"] - truth).max() < 0.15


def test_constant_judge_has_no_rogan_gladen_correction(corrected):
    row = row_of(corrected, "model0", "original", "always", "harmful")
    assert np.isnan(row["rogan_gladen"]) and "no better than chance" in row["correction"]
    assert row["ppi_low"] < row["ppi"] < 1


def test_labels_of_one_verdict_give_no_rogan_gladen_correction(labeled):
    onesided = labeled[(labeled["judge"] != "human") | (labeled["verdict"] == "refusal")]
    row = row_of(corrected_rates(onesided, inference=QUICK), "model0", "original", "second", "harmful")
    assert np.isnan(row["rogan_gladen"]) and "only refusals" in row["correction"]


def test_corrections_without_labels_are_blank_with_a_reason(verdicts):
    table = corrected_rates(verdicts, inference=QUICK)
    assert table[["rogan_gladen", "ppi", "ppi_change"]].isna().all().all()
    assert set(table["correction"]) == {"no human labels"}
    assert (table["labeled"] == 0).all()


def test_annotator_is_not_corrected_by_human_labels(labeled):
    one = labeled[labeled["judge"] == "human"].assign(judge="human-ada")
    table = corrected_rates(pd.concat([labeled, one], ignore_index=True), inference=QUICK)
    rows = table[table["judge"] == "human-ada"]
    assert rows["ppi"].isna().all() and set(rows["correction"]) == {"judged only the human-labeled responses"}


def test_sampling_weights_correct_an_unequal_annotation_sample(make_verdicts):
    """People label nearly all disputed responses and few others; without weights the judge looks far too bad."""
    verdicts = make_verdicts(models=1, variants=("original", "abliterated"), prompts=300, seed=2)
    wide = verdicts.pivot(index=["model", "variant", "prompt_id", "sample"], columns="judge", values="verdict")
    disputed = (wide["first"] != wide["second"]).rename("disputed").reset_index()
    verdicts = verdicts.merge(disputed, on=["model", "variant", "prompt_id", "sample"])
    odds = np.where(verdicts["disputed"], 0.9, 0.2)
    draw = dict(zip(wide.index, np.random.default_rng(0).random(len(wide)), strict=True))
    keys = list(verdicts[["model", "variant", "prompt_id", "sample"]].itertuples(index=False, name=None))
    drawn = np.array([draw[key] for key in keys]) < odds
    weights = verdicts.assign(weight=1 / odds)[drawn].drop_duplicates(["model", "variant", "prompt_id", "sample"])
    labeled = with_people(verdicts.drop(columns="disputed"), pd.Series(drawn, index=verdicts.index))
    key = ("model0", "abliterated", "second", "harmful")
    chosen = verdicts[(verdicts["judge"] == "first") & (verdicts["variant"] == "abliterated")].query(
        "label == 'harmful'"
    )
    truth = (chosen["verdict"] == "refusal").mean()
    plain = row_of(corrected_rates(labeled, inference=QUICK), *key)
    weighted = row_of(corrected_rates(labeled, weights=weights, inference=QUICK), *key)
    for column in ("rogan_gladen", "ppi"):
        assert abs(weighted[column] - truth) < 0.06
        assert weighted[f"{column}_low"] < truth < weighted[f"{column}_high"]
    assert abs(plain["rogan_gladen"] - truth) > abs(weighted["rogan_gladen"] - truth)
    assert np.isnan(weighted["ppi_change"])


def test_robustness_includes_corrections_and_prompts_needed(labeled, corrected):
    table = robustness_table(labeled, controls=["random"], inference=Inference(resamples=200))
    row = row_of(table, "model0", "abliterated", "second", "harmful")
    expected = row_of(corrected, "model0", "abliterated", "second", "harmful")
    assert row["ppi"] == pytest.approx(expected["ppi"], abs=1e-6)
    assert row["prompts_needed"] > 1
    same = row_of(table, "model0", "abliterated", "always", "harmful")
    assert pd.isna(same["prompts_needed"])
    assert row_of(table, "model0", "original", "human", "harmful")["correction"] == ""
