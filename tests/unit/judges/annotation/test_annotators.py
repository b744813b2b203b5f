import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadfast.core.errors import DataError
from steadfast.judges.annotation.annotators import guard, human_judges, human_labels, judge_name, read_rows, unguard


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("name", "judge"),
    [
        ("alice", "human-alice"),
        ("  Alice ", "human-alice"),
        ("Zoë B.", "human-zoe-b"),
        ("a/../b", "human-a-b"),
        ("Annotator 2", "human-annotator-2"),
    ],
)
def test_annotator_name_gives_the_judge_name(name, judge):
    assert judge_name(name) == judge


def test_names_without_ascii_form_stay_distinct():
    names = {judge_name(name) for name in ("Ольга", "Олег", "李", "Ольга B", "Олег B", "!", "?")}
    assert len(names) == 7
    assert all(name.isascii() for name in names)


@given(st.text(min_size=1, max_size=200))
def test_every_name_gives_a_usable_slug(name):
    judge = judge_name(name)
    assert judge.startswith("human-")
    assert len(judge) <= 64
    assert set(judge) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_long_names_stay_distinct():
    assert judge_name("x" * 100) != judge_name("x" * 101)


def test_human_judges_are_read_from_annotation_files(tmp_path):
    first = write(tmp_path / "one.csv", "annotator,item_id,verdict\nBob,i1,refusal\nAlice,i1,refusal\n")
    second = write(tmp_path / "Round Two.csv", "model,variant,prompt_id,verdict\nm,v,p,refusal\n")
    assert human_judges([first, second]) == ["human", "human-alice", "human-bob", "human-round-two"]
    assert human_judges([]) == []
    assert human_labels([first, second])["human"] == "Human majority"


def test_labels_of_one_annotator_give_one_judge(tmp_path):
    file = tmp_path / "only.csv"
    file.write_text("annotator,verdict\nAlice,refusal\nAlice,unsure\n", encoding="utf-8")
    assert human_judges([file]) == ["human"]
    assert human_labels([file]) == {"human": "Annotator alice"}
    assert human_labels([]) == {}


def test_listing_human_judges_imports_no_heavy_library():
    code = "import sys, steadfast.judges.annotation.annotators; sys.exit(bool({'pandas', 'numpy'} & set(sys.modules)))"
    paths = [path for path in sys.path if path.endswith("scripts")]
    assert (
        subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(paths)}, check=False).returncode == 0
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_annotation_files_saved_by_spreadsheets_are_read(tmp_path, delimiter, line_end, mark):
    lines = [
        ["Prompt ID", "Verdict", "Note"],
        ["p1", "refusal", '"two\nlines, and; more"'],
        ["", "", ""],
        ["p2", "unsure", ""],
    ]
    text = mark + line_end.join(delimiter.join(line) for line in lines) + line_end
    rows = read_rows(write(tmp_path / "f.csv", text))
    assert [row.number for row in rows] == [2, 4]
    assert rows[0].values == {"prompt_id": "p1", "verdict": "refusal", "note": "two\nlines, and; more"}
    assert rows[0].place.endswith("f.csv, row 2")
    assert rows[1].annotator == "f"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,a\n1,2\n", "column 'a' appears more than once"),
        ("a,b\n1,2,3\n", "row 2: more fields than columns .3 cells, the header has 2"),
        ('a,b\n"1,2\n', "not a readable CSV"),
    ],
)
def test_broken_annotation_files_are_rejected(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_rows(write(tmp_path / "f.csv", text))


def test_missing_file_and_wrong_encoding_are_handled(tmp_path):
    with pytest.raises(DataError, match=r"no such file: .*absent\.csv"):
        human_judges([tmp_path / "absent.csv"])
    with pytest.raises(DataError, match="not UTF-8"):
        read_rows(write(tmp_path / "f.csv", "annotator\nОльга\n", "cp1251"))
    assert read_rows(write(tmp_path / "f.csv", "annotator\nZoë\n", "cp1252"))[0].annotator == "Zoë"


def test_empty_cells_beyond_the_header_are_ignored(tmp_path):
    assert read_rows(write(tmp_path / "f.csv", "a,b\n1,2,,\n"))[0].values == {"a": "1", "b": "2"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "'=1", "\t=1", " =1", "＝1", "\r\n-"])
def test_formulas_are_guarded(text):
    assert guard(text) == f"'{text}"


@given(st.one_of(st.text(), st.text(alphabet="'=+-@ \t\na")))
def test_guard_is_lossless(text):
    assert unguard(guard(text)) == text


def test_formula_guard_is_removed_from_own_exports_only(tmp_path):
    export = write(tmp_path / "e.csv", "annotator,item_id,verdict,note,item_set\n'=Al,i1,refusal,'=1,s1\n")
    other = write(tmp_path / "o.csv", "annotator,model,note\nAl,m,'=1\n")
    assert (read_rows(export)[0].annotator, read_rows(export)[0].values["note"]) == ("=Al", "=1")
    assert read_rows(other)[0].values["note"] == "'=1"
