import json
import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score, roc_auc_score

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.agreement import TOO_FEW
from steadfast.analysis.tables.self_evaluation import COLUMNS, self_evaluation_table
from steadfast.analysis.tables.self_judgments import COLUMNS as READING_COLUMNS
from steadfast.analysis.tables.self_judgments import collect_self_judgments
from steadfast.core.files import write_table

FEW = Inference(resamples=200)


def judgments_of(models=2, prompts=20, seed=0, skill=0.8, others=True):
    """Systems that recognize refusals with a given skill; one that always says refusal; edits change nothing."""
    rng = np.random.default_rng(seed)
    rows = []
    for model in range(models):
        for variant in ("original", "edited"):
            for kind in ("own", "others") if others else ("own",):
                for index in range(2 * prompts):
                    refused = bool(rng.random() < (0.8 if index < prompts else 0.2))
                    sees = refused if rng.random() < skill else not refused
                    score = float(np.clip(rng.normal(0.6 if sees else 0.4, 0.05), 0.01, 0.99))
                    label = "harmful" if index < prompts else "harmless"
                    row = ("self", f"m{model}", variant, kind, f"p{index}", 0, label, refused)
                    rows.append((*row, "refusal" if score > 0.5 else "non_refusal", score, 0.01))
    return pd.DataFrame(rows, columns=READING_COLUMNS).astype({"refused": "boolean"})


def value(table, model, variant, responses, metric, column="value"):
    keys = (table["model"] == model) & (table["variant"] == variant) & (table["responses"] == responses)
    found = table.loc[keys & (table["metric"] == metric), column]
    assert len(found) == 1
    return found.iloc[0]


def test_self_evaluation_measures_equal_reference_packages():
    data = judgments_of()
    table = self_evaluation_table(data, inference=FEW)
    assert list(table.columns) == COLUMNS
    chosen = data[(data["model"] == "m1") & (data["variant"] == "edited") & (data["responses"] == "others")]
    truth, said = chosen["refused"].astype(bool), chosen["verdict"] == "refusal"
    expected = {
        "auroc": roc_auc_score(truth, chosen["score"]),
        "sensitivity": recall_score(truth, said),
        "specificity": recall_score(truth, said, pos_label=False),
        "bias": said.mean() - truth.mean(),
        "coverage": 1.0,
        "label_probability": 0.01,
    }
    for metric, number in expected.items():
        assert value(table, "m1", "edited", "others", metric) == pytest.approx(number, abs=1e-8)
    proper = table[~table["metric"].isin(["coverage", "label_probability"])]
    assert ((proper["low"] <= proper["value"]) & (proper["value"] <= proper["high"])).all()
    assert (proper["low"] < proper["high"]).all()


def test_differences_and_means_follow_from_the_values():
    table = self_evaluation_table(judgments_of(), inference=FEW)
    for metric in ("auroc", "sensitivity", "bias"):
        own, others = (value(table, "m0", "edited", kind, metric) for kind in ("own", "others"))
        assert value(table, "m0", "edited", "own - others", metric) == pytest.approx(own - others, abs=1e-8)
        change = own - value(table, "m0", "original", "own", metric)
        assert value(table, "m0", "edited", "own", metric, "change") == pytest.approx(change, abs=1e-8)
        mean = np.mean([value(table, model, "edited", "own", metric) for model in ("m0", "m1")])
        assert value(table, "", "edited", "own", metric) == pytest.approx(mean, abs=1e-8)
    assert table.loc[table["variant"] == "original", ["change", "change_low", "change_high"]].isna().all(axis=None)
    assert table["model"].drop_duplicates().tolist() == ["", "m0", "m1"]


def test_identical_judgments_have_zero_change():
    data = judgments_of()
    original = data[data["variant"] == "original"]
    table = self_evaluation_table(pd.concat([original, original.assign(variant="edited")]), inference=FEW)
    edited = table[table["variant"] == "edited"]
    assert (edited["change"] == 0).all()
    assert edited["reason"].str.contains("the change has no interval: the same in every resample").all()


def test_pairing_by_prompt_narrows_the_interval_of_a_change():
    data = judgments_of(models=1, prompts=60)
    same = data[data["variant"] == "original"]
    worse = same.assign(variant="edited", score=same["score"] + np.random.default_rng(1).normal(0, 0.01, len(same)))
    table = self_evaluation_table(pd.concat([same, worse]), inference=FEW)
    row = table[(table["model"] == "m0") & (table["variant"] == "edited") & (table["metric"] == "auroc")].iloc[0]
    assert row["change_high"] - row["change_low"] < 0.5 * (row["high"] - row["low"])


def test_unscored_judgments_lower_the_coverage_only():
    data = judgments_of(models=1)
    unread = data.index % 4 == 0
    data.loc[unread, ["verdict", "score"]] = ["unscored", np.nan]
    table = self_evaluation_table(data, inference=FEW)
    kept = data[~unread & (data["variant"] == "original") & (data["responses"] == "own")]
    assert value(table, "m0", "original", "own", "coverage") == pytest.approx(0.75)
    assert value(table, "m0", "original", "own", "sensitivity") == pytest.approx(
        recall_score(kept["refused"].astype(bool), kept["verdict"] == "refusal"), abs=1e-8
    )
    assert value(table, "m0", "original", "own", "bias", "n") == len(kept)


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        (
            {"verdict": "unscored", "score": np.nan, "label_probability": np.nan},
            dict.fromkeys(["auroc", "sensitivity", "specificity", "bias"], "the model scored none of the responses"),
        ),
        ({"refused": False}, dict.fromkeys(["auroc", "sensitivity"], "the reference finds no refusal")),
        ({"refused": True}, dict.fromkeys(["auroc", "specificity"], "the reference finds refusals only")),
        ({"refused": pd.NA}, dict.fromkeys(["auroc", "bias", "coverage"], "no response that the reference scored")),
        (
            {"score": np.nan, "label_probability": np.nan},
            dict.fromkeys(["auroc", "label_probability"], "the judge reports no probabilities"),
        ),
    ],
)
def test_undefined_measures_are_blank_with_a_reason(change, reasons):
    table = self_evaluation_table(judgments_of(models=1).assign(**change).astype({"refused": "boolean"}), inference=FEW)
    for metric, reason in reasons.items():
        assert np.isnan(value(table, "m0", "edited", "own", metric))
        assert value(table, "m0", "edited", "own", metric, "reason") == reason
        assert value(table, "m0", "edited", "own - others", metric, "reason") == f"own: {reason}; others: {reason}"
        assert value(table, "", "edited", "own", metric, "reason") == "undefined for every model"
    blank = table["low"].isna()
    assert (table.loc[blank, "reason"] != "").all()


def test_constant_judgment_keeps_an_interval():
    table = self_evaluation_table(judgments_of(models=1).assign(verdict="refusal"), inference=FEW)
    row = table[(table["model"] == "m0") & (table["responses"] == "own") & (table["metric"] == "sensitivity")].iloc[0]
    assert (row["value"], row["high"]) == (1.0, 1.0)
    assert 0.7 < row["low"] < 1.0


def test_self_evaluation_without_control_covers_own_responses_only():
    table = self_evaluation_table(judgments_of(others=False), inference=FEW)
    assert set(table["responses"]) == {"own"}


def test_single_prompt_has_no_interval():
    data = judgments_of(models=1)
    table = self_evaluation_table(data[data["prompt_id"] == "p0"], inference=FEW)
    row = table[(table["model"] == "m0") & (table["metric"] == "bias")].iloc[0]
    assert np.isnan(row["low"]) and "single prompt" in row["reason"]


def test_self_judgments_are_collected_from_files(tmp_path):
    raw = json.dumps({"REFUSAL": math.log(0.25), "NON-REFUSAL": math.log(0.5)})
    own = pd.DataFrame(
        {"prompt_id": ["a", "b"], "sample": 0, "verdict": "refusal", "score": 0.7, "raw": raw, "reason": ""}
    )
    control = own.iloc[:1].assign(model="m1", variant="edited", verdict="unscored", raw="")
    truth = own.assign(verdict=["refusal", "unscored"])
    paths = {name: tmp_path / f"{name}.parquet" for name in ("own", "control", "truth", "other")}
    for name, table in (
        ("own", own),
        ("control", control),
        ("truth", truth),
        ("other", own.assign(verdict="non_refusal")),
    ):
        write_table(paths[name], table)
    prompts = pd.DataFrame({"prompt_id": ["a", "b"], "label": ["harmful", "harmless"]})
    cells = [("self", "m0", "original", paths["own"], paths["control"])]
    reference = [("m0", "original", paths["truth"]), ("m1", "edited", paths["other"])]
    found = collect_self_judgments(cells, reference, prompts)
    assert found["responses"].tolist() == ["own", "own", "others"]
    assert found["refused"].tolist() == [True, pd.NA, False]
    assert found["label"].tolist() == ["harmful", "harmless", "harmful"]
    assert found["label_probability"].tolist() == pytest.approx([0.75, 0.75, np.nan], nan_ok=True)


def test_measures_with_too_few_refusals_are_blank():
    data = judgments_of(models=1, prompts=6, others=False)
    data["refused"] = pd.array([prompt == "p0" for prompt in data["prompt_id"]], dtype="boolean")
    table = self_evaluation_table(data, inference=FEW)
    for metric in ("auroc", "sensitivity"):
        assert math.isnan(value(table, "m0", "original", "own", metric))
        assert value(table, "m0", "original", "own", metric, "reason") == TOO_FEW
    assert not math.isnan(value(table, "m0", "original", "own", "specificity"))
    assert not math.isnan(value(self_evaluation_table(data, inference=FEW, least=1), "m0", "original", "own", "auroc"))
