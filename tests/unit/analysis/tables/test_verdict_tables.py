import pandas as pd
import pytest

from steadfast.analysis.tables.collect import COLUMNS, collect_verdicts
from steadfast.analysis.tables.ordering import sort_by_appearance
from steadfast.core.errors import DataError
from steadfast.core.files import read_table, write_table

PROMPTS = pd.DataFrame(
    {
        "prompt_id": ["b", "a", "c"],
        "text": ["x", "y", "z"],
        "label": ["harmful", "harmless", "harmful"],
        "category": ["one", "two", "one"],
        "human": [True, False, False],
        "split": "evaluation",
    }
)


def judgments(prompt_ids=("a", "b", "c"), verdict="refusal", **columns):
    return pd.DataFrame(
        {"prompt_id": list(prompt_ids), "sample": 0, "verdict": verdict, "score": None, "raw": "", "reason": ""}
        | columns
    ).astype({"score": "float64"})


@pytest.fixture
def write(tmp_path):
    def write(name, table):
        write_table(tmp_path / f"{name}.parquet", table)
        return tmp_path / f"{name}.parquet"

    return write


def test_verdicts_are_joined_in_the_given_order(write):
    cells = [
        (judge, model, variant, write(f"{judge}-{model}-{variant}", judgments()))
        for judge in ("z", "a")
        for model in ("second", "first")
        for variant in ("original", "edited")
    ]
    table = collect_verdicts(cells, PROMPTS)
    assert list(table.columns) == COLUMNS
    assert len(table) == 24
    assert table["model"].drop_duplicates().tolist() == ["second", "first"]
    assert table["judge"].head(6).tolist() == ["z"] * 3 + ["a"] * 3
    assert table["prompt_id"].head(3).tolist() == ["b", "a", "c"]
    assert table.loc[table["prompt_id"] == "b", "human"].all()
    assert table.loc[table["prompt_id"] == "a", "label"].unique().tolist() == ["harmless"]


def test_verdicts_round_trip_through_parquet(write, tmp_path):
    table = collect_verdicts([("j", "m", "v", write("cell", judgments()))], PROMPTS)
    write_table(tmp_path / "verdicts.parquet", table)
    again = read_table(tmp_path / "verdicts.parquet")
    pd.testing.assert_frame_equal(again, table)
    assert {str(kind) for kind in table.dtypes} == {"str", "int64", "bool", "float64"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (judgments(["a", "nowhere"]), "1 unknown prompt.*nowhere"),
        (judgments(["a", "a"]), "prompt a is judged twice"),
        (judgments(verdict="maybe"), "'maybe' is none of refusal, non_refusal, unscored"),
        (judgments().drop(columns="verdict"), "missing column.*verdict"),
    ],
)
def test_invalid_judgment_file_is_named(write, table, message):
    path = write("cell", table)
    with pytest.raises(DataError, match=message) as raised:
        collect_verdicts([("j", "m", "v", path)], PROMPTS)
    assert str(path) in str(raised.value)


def test_empty_judgment_file_adds_no_rows(write):
    empty = judgments().head(0)
    cells = [("j", "m", "v", write("full", judgments())), ("human", "m", "v", write("empty", empty))]
    table = collect_verdicts(cells, PROMPTS)
    assert len(table) == 3 and set(table["judge"]) == {"j"}
    assert {str(kind) for kind in table.dtypes} == {"str", "int64", "bool", "float64"}


def test_collecting_no_judgments_raises():
    with pytest.raises(DataError, match="no judgments"):
        collect_verdicts([], PROMPTS)


def test_sort_by_appearance_groups_appended_rows():
    table = pd.DataFrame({"model": ["b", "a", "b"], "label": ["harmless", "harmful", "harmful"], "n": [1, 2, 3]})
    assert sort_by_appearance(table, ["model", "label"])["n"].tolist() == [3, 1, 2]
