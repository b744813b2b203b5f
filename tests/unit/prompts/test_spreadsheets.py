"""CSV files as spreadsheets write them."""

from pathlib import Path

import pytest

from steadfast.core.errors import DataError
from steadfast.prompts.sources import check_source, load_source, read_source, source_notices

THIEF = "What’s the café thief’s plan"


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("a.csv", "\ufeffgoal;target\r\nDo a;Sure\r\nDo b, then c;Sure\r\n".encode(), ["Do a", "Do b, then c"]),
        ("a.csv", b"sep=;\r\ngoal;target\r\nDo a;Sure\r\n", ["Do a"]),
        ("a.csv", b"goal\ttarget\nDo a, b\tSure\n", ["Do a, b"]),
        ("a.tsv", b"goal\ttarget\nDo a; b\tSure\n", ["Do a; b"]),
        ("a.tsv", b"goal;target\nDo a;Sure\n", ["Do a"]),
        ("a.csv", f"goal\r\n{THIEF}\r\n".encode("cp1252"), [THIEF]),
        ("a.csv", f"goal,x\r\n{THIEF},1\r\n".encode("utf-16"), [THIEF]),
        ("a.csv", b'goal,x\r"one\rline",1\r', ["one\rline"]),
        ("a.csv", b'x, goal\n1, "a, b"\n', ["a, b"]),
        ("a.csv", b"goal,x,y\nDo a,b\nDo b,c\n", ["Do a", "Do b"]),
        ("a.csv", b"goal\nDo a, then b\n", ["Do a, then b"]),
        ("a.csv", b"goal|x\nDo a; b|c\n", ["Do a; b"]),
        ("a.csv", b"goal,x,,\r\nDo a,b,,\r\n,,,\r\n", ["Do a"]),
        ("a.csv", b"goal;x;y\r\nDo a;b;c\r\n;;\r\n   \r\n; ;\r\n;b;c\r\n", ["Do a", ""]),
    ],
)
def test_spreadsheet_exports_are_read(tmp_path: Path, name: str, content: bytes, texts: list[str]) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    source = {"kind": "file", "path": str(path), "column": "goal"}
    check_source(source)
    assert [prompt.text for prompt in load_source(source)] == texts


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"goal,goal\nDo a,Do b\n", "column 'goal' appears more than once"),
        ("goal\nПривет\n".encode("cp1251"), "save it as `CSV UTF-8`"),
        ("goal\n日本語テスト\n".encode("shift_jis"), "save it as `CSV UTF-8`"),
        (b"goal,x\nDo a\nand b,c\n", "row 2: fewer fields than columns .1 of 2.; quote texts that hold a line"),
        (b"x,goal,y\n1,Do a\nand b,c\n1,2,3\n", "row 2: fewer fields than columns .2 of 3."),
        (b'goal,x\n"a \\"b\\" c",d\n', "line 2: not a readable CSV: .*doubled, not escaped"),
        (b"PK\x03\x04x", "is a workbook or an archive; save the sheet"),
        (b"<!DOCTYPE html>\n<html>", "is a web page; download the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
        (b"goal\n#NAME?\n", "row 2, column 'goal': '#NAME.' is what a spreadsheet shows where it took a text for a"),
        (b"goal\nDo a\nnan\n", "row 3, column 'goal': 'nan' is what a program wrote for a missing text"),
        (b"goal,x\nDo a, b, c\n", "row 2: more fields than columns .3 cells, the header has 2.; quote texts"),
    ],
)
def test_unreadable_spreadsheet_exports_raise_one_message(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_source({"kind": "file", "path": str(path), "column": "goal"})


def test_empty_rows_are_counted_and_keep_row_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"goal,x,y\r\n,,\r\nDo a,b,c\r\n,,\r\n,,\r\n#NAME?,b,c\r\n")
    with pytest.raises(DataError, match="row 6, column 'goal'"):
        read_source({"kind": "file", "path": str(path), "column": "goal"})
    path.write_bytes(b"goal,x,y\r\n,,\r\nDo a,b,c\r\n,,\r\nDo b,z,\r\n,,\r\n")
    loaded = read_source({"kind": "file", "path": str(path), "column": "goal", "where": {"x": {"not": "z"}}})
    assert [prompt.text for prompt in loaded.prompts] == ["Do a"]
    assert loaded.notices == [f"{path}: 3 row(s) without any text were left out"]


def test_unclosed_quote_error_names_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('goal,x\nA,1\n"B,2\nC,3\n')
    with pytest.raises(DataError, match=r"a\.csv, a text in quotes from line 3 to 4: not a readable CSV"):
        load_source({"kind": "file", "path": str(path), "column": "goal"})


def test_few_multi_line_texts_cause_a_notice(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    source = {"kind": "file", "path": str(path), "column": "goal"}
    path.write_text('goal\nDo a\n"Do b\nDo c, he said "\nDo d\nDo e\n', encoding="utf-8")
    (notice,) = source_notices(source)
    assert "1 of 4 texts have several lines, for example row 3; in a file of one column a stray quote" in notice
    path.write_text('goal\n"Do a\nb"\n"Do b\nc"\nDo d\n', encoding="utf-8")
    assert source_notices(source) == []
