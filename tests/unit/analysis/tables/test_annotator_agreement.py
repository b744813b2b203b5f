import krippendorff
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.annotators import COLUMNS, annotator_agreement

NAMES = ["human-ada", "human-bo", "human-cy"]


@pytest.fixture
def labeled(make_verdicts):
    table = make_verdicts(prompts=15)
    rng = np.random.default_rng(0)
    truth = table[(table["judge"] == "first") & table["human"]]
    parts = []
    for name in NAMES:
        flipped = truth["verdict"].map({"refusal": "non_refusal", "non_refusal": "refusal"})
        verdict = truth["verdict"].where(rng.random(len(truth)) > 0.1, flipped)
        parts.append(truth.assign(judge=name, verdict=verdict.mask(rng.random(len(truth)) < 0.05, "unscored")))
    return pd.concat([table, *parts], ignore_index=True)


def value(table, annotators, metric, subset="all"):
    chosen = (table["annotators"] == annotators) & (table["metric"] == metric) & (table["subset"] == subset)
    return table[chosen].iloc[0]


def test_alpha_and_kappa_equal_reference_packages(labeled):
    table = annotator_agreement(labeled, NAMES, inference=Inference(resamples=200))
    assert list(table.columns) == COLUMNS
    wide = labeled[labeled["judge"].isin(NAMES)].pivot(
        index=["model", "variant", "prompt_id", "sample"], columns="judge", values="verdict"
    )
    codes = wide.replace({"refusal": 1.0, "non_refusal": 0.0, "unscored": np.nan}).astype(float)
    expected = krippendorff.alpha(codes.T.to_numpy(), level_of_measurement="nominal")
    row = value(table, "all", "krippendorff_alpha")
    assert row["value"] == pytest.approx(expected, abs=1e-6)
    assert row["low"] < row["value"] < row["high"]
    both = codes[["human-ada", "human-bo"]].dropna()
    pair = value(table, "human-ada & human-bo", "cohen_kappa")
    assert pair["value"] == pytest.approx(cohen_kappa_score(both["human-ada"], both["human-bo"]), abs=1e-6)
    assert value(table, "human-ada & human-bo", "raw_agreement")["n"] == len(both)


def test_each_annotator_pair_is_listed_once(labeled):
    table = annotator_agreement(labeled, NAMES, inference=Inference(resamples=20))
    assert set(table["annotators"]) == {
        "human-ada & human-bo",
        "human-ada & human-cy",
        "human-bo & human-cy",
        "all",
    }
    assert len(table) == 3 * 3 * 3 + 3


def test_fewer_than_two_annotators_give_no_rows(labeled):
    for names in ([], NAMES[:1], ["human-nobody", "human-ada"]):
        table = annotator_agreement(labeled, names, inference=Inference(resamples=5))
        assert list(table.columns) == COLUMNS and table.empty


def test_annotators_without_common_responses_are_blank(labeled):
    first = labeled[(labeled["judge"] == "human-ada") & (labeled["label"] == "harmful")]
    second = labeled[(labeled["judge"] == "human-bo") & (labeled["label"] == "harmless")]
    table = annotator_agreement(pd.concat([first, second]), NAMES, inference=Inference(resamples=5))
    assert table["value"].isna().all() and (table["reason"] != "").all()


def test_complete_agreement_has_alpha_one_without_interval(labeled):
    same = labeled[labeled["judge"] == "human-ada"]
    same = same[same["verdict"] != "unscored"]
    table = annotator_agreement(
        pd.concat([same, same.assign(judge="human-bo")]), NAMES, inference=Inference(resamples=20)
    )
    row = value(table, "all", "krippendorff_alpha")
    assert row["value"] == 1.0 and np.isnan(row["low"]) and row["reason"] != ""


def test_alpha_that_rests_on_one_refusal_is_left_out(labeled):
    same = labeled[labeled["judge"] == "human-ada"].assign(verdict="non_refusal")
    same.loc[same.index[0], "verdict"] = "refusal"
    both = pd.concat([same, same.assign(judge="human-bo")])
    table = annotator_agreement(both, NAMES, inference=Inference(resamples=20))
    for annotators, metric in (("all", "krippendorff_alpha"), ("human-ada & human-bo", "cohen_kappa")):
        row = value(table, annotators, metric)
        assert np.isnan(row["value"]) and np.isnan(row["low"]) and row["reason"].startswith("rests on fewer than 5")
