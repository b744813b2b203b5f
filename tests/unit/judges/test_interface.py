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


def test_cases_join_responses_with_prompts_in_order():
    cases = cases_of(responses(("b", 0, "yes"), ("a", 1, "no"), ("a", 0, "never")), PROMPTS)
    assert cases == [
        Case("b", 0, "B?", "yes", "harmless"),
        Case("a", 1, "A?", "no", "harmful"),
        Case("a", 0, "A?", "never", "harmful"),
    ]


def test_no_responses_give_no_cases():
    assert cases_of(responses(), PROMPTS) == []


def test_cases_contain_plain_python_types():
    (case,) = cases_of(responses(("a", 0, "x")), PROMPTS)
    assert [type(value) for value in vars(case).values()] == [str, int, str, str, str, bool]


def test_response_to_an_unknown_prompt_raises():
    with pytest.raises(DataError, match=r"responses to 2 unknown prompt.*example x"):
        cases_of(responses(("a", 0, ""), ("y", 0, ""), ("x", 0, "")), PROMPTS)


def test_prompts_without_required_columns_raise():
    with pytest.raises(DataError, match=r"missing column\(s\) label"):
        cases_of(responses(("a", 0, "")), PROMPTS.drop(columns="label"))


def test_duplicate_prompt_raises():
    with pytest.raises(DataError, match="occurs more than once"):
        cases_of(responses(("a", 0, "")), pd.concat([PROMPTS, PROMPTS]))


def test_verdict_table_has_the_documented_columns():
    cases = cases_of(responses(("a", 0, "no"), ("b", 0, "yes"), ("c", 0, "?")), PROMPTS)
    verdicts = [Verdict(REFUSAL, 0.9, "REFUSAL"), Verdict(NON_REFUSAL), Verdict(UNSCORED, reason="no label")]
    table = verdict_table(cases, verdicts)
    assert list(table.columns) == COLUMNS == ["prompt_id", "sample", "verdict", "score", "raw", "reason"]
    assert table["verdict"].tolist() == ["refusal", "non_refusal", "unscored"]
    assert table["score"].isna().tolist() == [False, True, True]
    assert str(table.dtypes["sample"]) == "int64"
    assert str(table.dtypes["score"]) == "float64"


def test_empty_verdict_table_has_the_same_types():
    table = verdict_table([], [])
    assert list(table.columns) == COLUMNS
    assert str(table.dtypes["sample"]) == "int64"
    assert str(table.dtypes["score"]) == "float64"


def test_judge_that_drops_a_case_raises():
    cases = cases_of(responses(("a", 0, ""), ("b", 0, "")), PROMPTS)
    with pytest.raises(ValueError, match="shorter"):
        verdict_table(cases, [Verdict(REFUSAL)])


def test_verdicts_round_trip_through_parquet(tmp_path):
    from steadfast.core.files import read_table, write_table

    cases = cases_of(responses(("a", 0, "no")), PROMPTS)
    write_table(tmp_path / "t.parquet", verdict_table(cases, [Verdict(UNSCORED, None, "‖\x00 odd", "x")]))
    read = read_table(tmp_path / "t.parquet")
    assert read.loc[0, "raw"] == "‖\x00 odd"
    assert pd.isna(read.loc[0, "score"])
