"""Cases, verdicts and the table of judgments."""

import pandas as pd
import pytest

from steadfast.core.errors import DataError
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED
from steadfast.judges.interface import COLUMNS, Case, Verdict, cases_of, verdict_table

PROMPTS = pd.DataFrame(
    {"prompt_id": ["a", "b", "c"], "text": ["A?", "B?", "C?"], "label": ["harmful", "harmless", "harmful"]}
)


def responses(*rows: tuple[str, int, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["prompt_id", "sample", "response"])


def test_each_response_meets_its_prompt_in_order_of_responses():
    cases = cases_of(responses(("b", 0, "yes"), ("a", 1, "no"), ("a", 0, "never")), PROMPTS)
    assert cases == [
        Case("b", 0, "B?", "yes", "harmless"),
        Case("a", 1, "A?", "no", "harmful"),
        Case("a", 0, "A?", "never", "harmful"),
    ]


def test_no_responses_are_no_cases():
    assert cases_of(responses(), PROMPTS) == []


def test_numpy_types_do_not_leak_into_cases():
    (case,) = cases_of(responses(("a", 0, "x")), PROMPTS)
    assert [type(value) for value in vars(case).values()] == [str, int, str, str, str, bool]


def test_a_response_to_an_unknown_prompt_is_an_error():
    with pytest.raises(DataError, match=r"responses to 2 unknown prompt.*example x"):
        cases_of(responses(("a", 0, ""), ("y", 0, ""), ("x", 0, "")), PROMPTS)


def test_prompts_without_their_columns_are_an_error():
    with pytest.raises(DataError, match=r"missing column\(s\) label"):
        cases_of(responses(("a", 0, "")), PROMPTS.drop(columns="label"))


def test_a_prompt_that_stands_twice_is_an_error():
    with pytest.raises(DataError, match="occurs more than once"):
        cases_of(responses(("a", 0, "")), pd.concat([PROMPTS, PROMPTS]))


def test_the_table_has_the_columns_of_the_contract():
    cases = cases_of(responses(("a", 0, "no"), ("b", 0, "yes"), ("c", 0, "?")), PROMPTS)
    verdicts = [Verdict(REFUSAL, 0.9, "REFUSAL"), Verdict(NON_REFUSAL), Verdict(UNSCORED, reason="no label")]
    table = verdict_table(cases, verdicts)
    assert list(table.columns) == COLUMNS == ["prompt_id", "sample", "verdict", "score", "raw", "reason"]
    assert table["verdict"].tolist() == ["refusal", "non_refusal", "unscored"]
    assert table["score"].isna().tolist() == [False, True, True]
    assert str(table.dtypes["sample"]) == "int64"
    assert str(table.dtypes["score"]) == "float64"


def test_an_empty_table_has_the_same_types():
    table = verdict_table([], [])
    assert list(table.columns) == COLUMNS
    assert str(table.dtypes["sample"]) == "int64"
    assert str(table.dtypes["score"]) == "float64"


def test_a_judge_that_loses_a_case_is_an_error():
    cases = cases_of(responses(("a", 0, ""), ("b", 0, "")), PROMPTS)
    with pytest.raises(ValueError, match="shorter"):
        verdict_table(cases, [Verdict(REFUSAL)])


def test_verdicts_survive_parquet(tmp_path):
    from steadfast.core.files import read_table, write_table

    cases = cases_of(responses(("a", 0, "no")), PROMPTS)
    write_table(tmp_path / "t.parquet", verdict_table(cases, [Verdict(UNSCORED, None, "‖\x00 odd", "x")]))
    read = read_table(tmp_path / "t.parquet")
    assert read.loc[0, "raw"] == "‖\x00 odd"
    assert pd.isna(read.loc[0, "score"])
