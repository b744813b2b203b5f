"""Verdicts of a judge in place of an annotator's labels."""

import pandas as pd
import pytest

from steadfast.core.errors import DataError, UnknownNameError
from steadfast.judges.annotation import stand_in

KEY = pd.DataFrame(
    {
        "model": "m",
        "variant": "original",
        "prompt_id": ["a", "b", "c"],
        "sample": 0,
        "selected": [True, True, False],
    }
)
VERDICTS = KEY.drop(columns="selected").assign(judge="regex", verdict=["refusal", "unscored", "refusal"])


def test_labels_are_those_of_the_selected_responses():
    labels = stand_in.stand_in_labels(KEY, VERDICTS, "regex")
    assert labels["prompt_id"].tolist() == ["a", "b"]
    assert labels["verdict"].tolist() == ["refusal", "unsure"]
    assert set(labels["annotator"]) == {"stand-in-regex"}


def test_unknown_judge_is_named_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="unknown judge 'regx'; did you mean 'regex'"):
        stand_in.stand_in_labels(KEY, VERDICTS, "regx")


def test_judge_without_any_of_the_responses_is_an_error():
    with pytest.raises(DataError, match="judge regex has no verdict on any response"):
        stand_in.stand_in_labels(KEY.assign(model="other"), VERDICTS, "regex")


def test_missing_annotation_page_says_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["stand_in", "regex", "labels.csv"])
    with pytest.raises(DataError, match=r"key\.parquet does not exist in .*-- annotation_page`"):
        stand_in.main()
