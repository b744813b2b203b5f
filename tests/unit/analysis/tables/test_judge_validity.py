import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.agreement import agreement_table
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.judge_validity import (
    RESPONSE,
    bias_table,
    collect_lengths,
    compared_responses,
    confusion_table,
    disputed_responses,
    disputes_by_length,
    without_controls,
)
from steadfast.core.errors import DataError
from steadfast.core.files import write_table
from steadfast.report.judge_report import judge_report

QUICK = Inference(resamples=200)


@pytest.fixture
def lengths(verdicts):
    responses = verdicts[RESPONSE].drop_duplicates()
    return responses.assign(n_tokens=np.random.default_rng(0).integers(1, 200, len(responses)))


def test_confusion_equals_scikit_learn(verdicts):
    table = confusion_table(verdicts, "first")
    row = table[(table["judge"] == "second") & (table["subset"] == "harmful")].iloc[0]
    harmful = verdicts[verdicts["label"] == "harmful"]
    wide = harmful.pivot(index=RESPONSE, columns="judge", values="verdict")
    both = wide[wide["second"] != "unscored"]
    expected = confusion_matrix(both["first"], both["second"], labels=["refusal", "non_refusal"])
    assert [row["both_refusal"], row["reference_only"], row["judge_only"], row["neither"]] == expected.ravel().tolist()
    assert row["judge_unscored"] == (wide["second"] == "unscored").sum()
    assert row["n"] == len(both)


def test_disputed_responses_differ_from_the_reference(verdicts, lengths):
    table = disputed_responses(verdicts, "first", lengths)
    confusion = confusion_table(verdicts, "first").query("subset == 'all'").set_index("judge")
    for judge, rows in table.groupby("judge"):
        assert len(rows) == confusion.loc[judge, ["judge_only", "reference_only"]].sum()
    assert (table["verdict"] != table["reference_verdict"]).all()
    assert table["n_tokens"].notna().all()
    assert table["judge"].drop_duplicates().tolist() == ["second", "label_only", "always"]
    assert disputed_responses(verdicts, "first")["n_tokens"].isna().all()


def test_disputes_by_length_detects_more_disputes_of_long_responses(verdicts, lengths):
    wide = verdicts.pivot(index=RESPONSE, columns="judge", values="verdict")
    disputed = (wide["second"] != wide["first"]).rename("disputed").reset_index()
    longer = lengths.merge(disputed, on=RESPONSE)
    longer["n_tokens"] = longer["n_tokens"] + 300 * longer["disputed"]
    table = disputes_by_length(verdicts, "first", longer.drop(columns="disputed"), QUICK).query("judge == 'second'")
    assert table["rate"].iloc[-1] > table["rate"].iloc[0]
    assert (table["low"] <= table["rate"]).all() and (table["rate"] <= table["high"]).all()
    assert table["n"].sum() == (wide["second"] != "unscored").sum()


def test_equal_lengths_form_one_group(verdicts, lengths):
    table = disputes_by_length(verdicts, "first", lengths.assign(n_tokens=48), QUICK)
    assert len(table) == 3 and set(table["shortest"]) == {48}


def test_bias_table_detects_a_favored_model(make_verdicts):
    verdicts = make_verdicts(models=4, prompts=30)
    favored = (verdicts["judge"] == "second") & (verdicts["model"] == "model2")
    verdicts = verdicts.assign(verdict=verdicts["verdict"].mask(favored, "refusal"))
    table = bias_table(verdicts, "first", QUICK)
    rows = table[table["judge"] == "second"].set_index("model")
    assert rows.loc["model2", "excess_low"] > 0
    assert rows.loc["model2", "share_of_disputes"] > 0.4
    others = rows.drop(index=["model2", ""])
    assert (others["excess_high"] < rows.loc["model2", "excess_low"]).all()
    assert rows.loc["", "share_of_disputes"] == pytest.approx(rows.drop(index="")["share_of_disputes"].sum(), abs=1e-5)
    assert rows.loc["", "disputed"] == rows.drop(index="")["disputed"].sum()


def test_bias_table_reports_no_bias_for_noise(make_verdicts):
    table = bias_table(make_verdicts(models=4, prompts=60, seed=3), "first", QUICK)
    row = table[(table["judge"] == "second") & (table["model"] == "")].iloc[0]
    assert row["share_of_disputes"] < 0.6


def test_unknown_reference_raises_listing_the_judges(verdicts):
    for function in (confusion_table, bias_table):
        with pytest.raises(DataError, match=r"'human'.*first, second"):
            function(verdicts, "human")


def test_judges_without_common_responses_have_no_validity_numbers(verdicts):
    apart = verdicts[(verdicts["judge"] != "first") | verdicts["human"]]
    apart = apart[(apart["judge"] == "first") | ~apart["human"]]
    assert bias_table(apart, "first", QUICK).empty
    assert (confusion_table(apart, "first")["n"] == 0).all()


def test_response_lengths_are_collected(tmp_path):
    table = pd.DataFrame({"prompt_id": ["a"], "sample": [0], "response": ["x"], "n_tokens": [3]})
    write_table(tmp_path / "cell.parquet", table)
    found = collect_lengths([("m", "v", tmp_path / "cell.parquet")])
    assert found.to_dict("records") == [{"model": "m", "variant": "v", "prompt_id": "a", "sample": 0, "n_tokens": 3}]
    with pytest.raises(DataError, match="no responses"):
        collect_lengths([])


def test_judge_report_names_biases_and_disputes(make_verdicts):
    verdicts = make_verdicts(models=4, prompts=30)
    favored = (verdicts["judge"] == "second") & (verdicts["model"] == "model2")
    verdicts = verdicts.assign(verdict=verdicts["verdict"].mask(favored, "refusal"))
    lengths = verdicts[RESPONSE].drop_duplicates().assign(n_tokens=10)
    labels = Labels(models={"model2": "The | favorite"}, judges={"second": "Second"})
    text = judge_report(
        confusion_table(verdicts, "first"),
        disputed_responses(verdicts, "first", lengths),
        disputes_by_length(verdicts, "first", lengths, QUICK),
        bias_table(verdicts, "first", QUICK),
        reference="first",
        labels=labels,
        prompts=verdicts[["prompt_id"]].drop_duplicates().assign(text="A | prompt " * 20),
    )
    assert text.startswith("# Where the judges differ from first\n")
    assert "## Second" in text and "- The | favorite: +" in text
    assert re.search(r"^Bias \S+ points \(\S+ to \S+\); ", text, re.MULTILINE), "the unit is given once"
    assert "| A \\| prompt A" in text
    assert "nan" not in text.lower()


HOSTILE = {
    "</script><img src=x onerror=alert(1)>": "&lt;/script>&lt;img src=x onerror=alert(1)>",
    "![a](https://example.com/track.png) `b` | c": "!\\[a](https://example.com/track.png) \\`b\\` \\| c",
    "red \x1b[31m and \u202egnp.exe": "red (U+001B)\\[31m and (U+202E)gnp.exe",
}


@pytest.mark.parametrize("prompt", HOSTILE)
def test_judge_report_quotes_hostile_prompts_as_text(verdicts, prompt):
    text = judge_report(
        confusion_table(verdicts, "first"),
        disputed_responses(verdicts, "first"),
        pd.DataFrame(columns=["judge"]),
        bias_table(verdicts, "first", QUICK),
        reference="first",
        prompts=verdicts[["prompt_id"]].drop_duplicates().assign(text=prompt),
    )
    assert f"| {HOSTILE[prompt]} | `" in text
    assert "<" not in text and "\x1b" not in text and "\u202e" not in text


def test_judge_report_lists_prompts_once_and_skips_baselines(make_verdicts):
    verdicts = make_verdicts(models=4, prompts=30)
    same = verdicts[verdicts["judge"] == "first"]
    odd = same["prompt_id"] == same["prompt_id"].iloc[0]
    other = same.assign(judge="other", verdict=same["verdict"].mask(odd, "refusal"))
    other = other.assign(verdict=other["verdict"].where(~odd | (same["verdict"] != "refusal"), "non_refusal"))
    blind = same.assign(judge="blind", verdict=np.where(same["verdict"] == "refusal", "non_refusal", "refusal"))
    table = pd.concat([same, other, blind], ignore_index=True)
    text = judge_report(
        confusion_table(table, "first"),
        disputed_responses(table, "first"),
        pd.DataFrame(columns=["judge"]),
        bias_table(table, "first", QUICK),
        reference="first",
        compared=compared_responses(table, "first", ["blind"]),
        baselines=["blind"],
    )
    number = int((odd & (same["verdict"] != "unscored")).sum())
    total = int((same["verdict"] != "unscored").sum())
    assert f"{number} of {total} responses are disputed by at least one judge that reads them, to 1 prompt." in text
    (row,) = [line for line in text.splitlines() if same["prompt_id"].iloc[0] in line]
    prompt = same.loc[odd & (same["verdict"] != "unscored")]
    assert row.endswith(f"| {number} of {len(prompt)} | other |")
    assert sum(compared_responses(table, "first").values()) == total


def test_annotators_are_not_compared_with_their_own_majority(verdicts):
    same = verdicts[verdicts["judge"] == "first"]
    table = pd.concat([verdicts, *(same.assign(judge=name) for name in ("human", "human-ann", "human-ben"))])
    assert not any(name.startswith("human") for name in confusion_table(table, "human")["judge"])
    assert not any(name.startswith("human") for name in bias_table(table, "human", QUICK)["judge"])
    assert "human-ann" in set(confusion_table(table, "first")["judge"])


def test_validity_tables_exclude_controls(verdicts):
    both = pd.concat([verdicts, verdicts.assign(variant="control")], ignore_index=True)
    scoped = without_controls(both, ["control"])
    pd.testing.assert_frame_equal(confusion_table(scoped, "first"), confusion_table(verdicts, "first"))
    agreement = agreement_table(both, controls=["control"], inference=Inference(resamples=10))
    chosen = agreement.query("judge_a == 'second' and judge_b == 'first' and metric == 'accuracy' and subset == 'all'")
    counted = confusion_table(scoped, "first").query("judge == 'second' and subset == 'all'").iloc[0]
    assert chosen["n"].item() == counted["n"]
    assert chosen["value"].item() == pytest.approx(
        (counted["both_refusal"] + counted["neither"]) / counted["n"], abs=1e-6
    )


def test_judges_without_dispute_keep_an_interval(verdicts, lengths):
    same = verdicts[verdicts["judge"] == "first"]
    both = pd.concat([same, same.assign(judge="twin")], ignore_index=True)
    found = disputes_by_length(both, "first", lengths, QUICK)
    assert (found["rate"] == 0).all() and (found["low"] == 0).all() and (found["high"] > 0.01).all()
    bias = bias_table(both, "first", QUICK)
    assert (bias["bias"] == 0).all() and (bias["bias_low"] < 0).all() and (bias["bias_high"] > 0).all()
    assert bias["excess_low"].isna().all(), "a difference between models has no score interval"


def test_judge_report_without_disputes_says_so(verdicts):
    same = verdicts[verdicts["judge"] == "first"]
    both = pd.concat([same, same.assign(judge="twin")])
    empty = pd.DataFrame(columns=["judge"])
    text = judge_report(
        confusion_table(both, "first"),
        disputed_responses(both, "first"),
        empty,
        bias_table(both, "first", QUICK),
        reference="first",
    )
    assert "No response is disputed by a judge that reads it." in text and "No dispute." in text
