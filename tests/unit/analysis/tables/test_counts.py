from pathlib import Path

import pandas as pd
import pytest

from steadfast.analysis.tables.counts import COLUMNS, count_verdicts, read_counts
from steadfast.core.errors import DataError

PAPER = Path(__file__).parents[3] / "data" / "paper_counts_100_prompts.csv"
HEADER = "model,variant,judge,label,refused,not_refused,total"


def test_counts_add_up_to_the_verdicts(verdicts):
    counts = count_verdicts(verdicts)
    assert list(counts.columns) == COLUMNS
    assert (counts["refused"] + counts["not_refused"] + counts["unscored"] == counts["total"]).all()
    assert counts["total"].sum() == len(verdicts)
    assert counts["unscored"].sum() == (verdicts["verdict"] == "unscored").sum() > 0
    one = counts.iloc[5]
    keys = ["model", "variant", "judge", "label"]
    chosen = verdicts[(verdicts[keys] == one[keys]).all(axis=1)]
    assert one["refused"] == (chosen["verdict"] == "refusal").sum()


def test_counts_do_not_depend_on_row_order(verdicts):
    first = verdicts.drop_duplicates(["model", "variant", "judge"])
    rest = verdicts.drop(first.index).sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(count_verdicts(pd.concat([first, rest])), count_verdicts(verdicts))


def test_published_counts_of_chatgpt5_match_the_paper():
    counts = read_counts(PAPER)
    chosen = counts[(counts["judge"] == "ChatGPT5") & (counts["label"] == "harmful")]
    wide = chosen.pivot(index="model", columns="variant", values="refused")
    assert {model: (row["original"], row["abliterated"]) for model, row in wide.iterrows()} == {
        "SmolLM2": (35, 15),
        "Raw Data": (46, 45),
        "Score 0": (46, 41),
        "Score 0 + Rephrase": (49, 34),
        "Score 0 + Rephrase + Metatags": (46, 46),
        "Score 0 + Rephrase + Refusals": (48, 48),
        "Safety Oracle": (49, 47),
        "GLM-4": (47, 45),
        "Llama-3.3": (44, 39),
        "Qwen3": (45, 46),
    }


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "counts.csv"
    path.write_text(text, encoding=encoding)
    return read_counts(path)


def test_counts_allow_spaces_extra_columns_and_byte_order_mark(tmp_path):
    text = f"{HEADER},unscored,note\n A , original,judge,harmful,3, 1,6,2,x\nA,original,judge,harmless,0,6,6,0,\n\n"
    counts = read(tmp_path, text, encoding="utf-8-sig")
    assert counts.to_dict("records")[0] == {
        "model": "A",
        "variant": "original",
        "judge": "judge",
        "label": "harmful",
        "refused": 3,
        "not_refused": 1,
        "unscored": 2,
        "total": 6,
    }


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffModel;Variant;Judge;Label;Refused;Not_Refused;Total\r\nA;original;j;harmful;3,0;2,0;5,0\r\n;;;;;;\r\n",
        f",{HEADER}\n0,A,original,j,harmful,3.0,2.0,5.0\n",
        f"sep=\t\n{HEADER}\nA,original,j,harmful,3,2,5\n".replace(",", "\t"),
    ],
)
def test_counts_written_by_spreadsheets_and_pandas_are_read(tmp_path, text):
    (row,) = read(tmp_path, text).to_dict("records")
    assert (row["model"], row["refused"], row["not_refused"], row["total"]) == ("A", 3, 2, 5)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["A,original,j,harmful,3,1,5"], "row 2, column total: '5' is not the sum"),
        (["A,original,j,harmful,3,2,5", "B,original,j,harmful,-1,6,5"], "row 3, column refused: '-1' is not a whole"),
        (["A,original,j,harmful,3.5,1.5,5"], "row 2, column refused: '3.5'"),
        (["A,original,j,harmful,,5,5"], "row 2, column refused: ''"),
        (["A,original,j,harmfull,3,2,5"], "row 2, column label: 'harmfull' is none of harmful, harmless"),
        (["A,original,,harmful,3,2,5"], "row 2, column judge: '' is empty"),
        (["A,original,j,harmful,3,2,5", "", "A,original,j,harmful,3,2,5"], "row 4.*is in an earlier row"),
        (["A b,original,j,harmful,3,2,5", "a  B,original,j,harmless,3,2,5"], "row 3, column model: 'a  B' is written"),
        ([], "no rows"),
        (["A,original,j,harmful,3,2,5,extra,cells"], "row 2: more fields than columns"),
    ],
)
def test_invalid_counts_are_rejected_naming_row_and_column(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, "\n".join([HEADER, *rows, ""]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected a header"),
        ("model,variant,judge,label,refused,total\nA,o,j,harmful,1,1\n", "missing column.*not_refused"),
    ],
)
def test_invalid_counts_files_are_rejected(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_binary_counts_file_is_rejected(tmp_path):
    (tmp_path / "counts.csv").write_bytes(b"model\x00\x01")
    with pytest.raises(DataError, match="not a text file"):
        read_counts(tmp_path / "counts.csv")
