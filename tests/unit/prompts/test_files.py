"""Local files as sources, in every format."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from steadfast.core.errors import ConfigError, DataError, UnknownNameError
from steadfast.prompts.sources import SourcePrompt, check_source, load_source, source_files

ROWS = [
    {"text": 'Say "hi", twice', "topic": "a", "part": "calibration"},
    {"text": "NA", "topic": "", "part": "evaluation"},
    {"text": "Grüße\nan alle", "topic": "b", "part": ""},
]
EXPECTED = [('Say "hi", twice', "a", "calibration"), ("NA", "", "evaluation"), ("Grüße\nan alle", "b", None)]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    table = pd.DataFrame(rows)
    match path.suffix:
        case ".csv":
            table.to_csv(path, index=False)
        case ".parquet":
            table.to_parquet(path)
        case ".json":
            path.write_text(json.dumps(rows))
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def load(path: Path, **settings: Any) -> list[SourcePrompt]:
    source = {"kind": "file", "path": str(path), **settings}
    check_source(source)
    return load_source(source)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.json", "a.jsonl", "A.CSV"])
def test_every_table_format_reads_the_same(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name.lower(), ROWS).rename(tmp_path / name)
    prompts = load(path, category_column="topic", split_column="part")
    assert [(prompt.text, prompt.category, prompt.split) for prompt in prompts] == EXPECTED
    assert {prompt.source for prompt in prompts} == {str(path)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "one\ntwo\n"),
        ("a.txt", "\ufeffone\ntwo"),
        ("a.json", '["one", "two"]'),
        ("a.json", '{"text": ["one", "two"], "id": [1, 2]}'),
        ("a.json", '{"text": "one"}\n{"text": "two"}\n'),
        ("a.jsonl", '"one"\n\n"two"\n'),
        ("a.csv", "\ufefftext\none\ntwo\n"),
    ],
)
def test_text_and_json_variants_are_read(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert [prompt.text for prompt in load(path)] == ["one", "two"]


def test_column_and_assigned_split_are_applied(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [{"goal": "one", "n": 1}, {"goal": None, "n": 2}])
    prompts = load(path, column="goal", assign="evaluation")
    assert [(prompt.text, prompt.split) for prompt in prompts] == [("one", "evaluation"), ("", "evaluation")]


def test_file_source_lists_its_file_as_input(tmp_path: Path) -> None:
    assert source_files({"kind": "file", "path": "some/where.csv", "column": "x"}) == ["some/where.csv"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"path": "harmfull.csv"}, "path: no such file: {folder}/harmfull.csv; did you mean 'harmful.csv'?"),
        ({"path": "nowhere/a.csv"}, "path: no such file: {folder}/nowhere/a.csv (the folder {folder}/nowhere does not"),
        ({"path": "a.xlsx"}, "a.xlsx is a workbook; save its sheet as `CSV UTF-8` in the spreadsheet"),
        (
            {"path": "a.dat"},
            "unknown suffix '.dat'; allowed: .csv, .json, .jsonl, .ndjson, .parquet, .tsv, .txt, and .gz",
        ),
        ({"path": "bad.json"}, "path: {folder}/bad.json cannot be read as .json"),
        ({"path": "bad.parquet"}, "path: {folder}/bad.parquet cannot be read as .parquet"),
        ({"path": "latin1.csv"}, "path: {folder}/latin1.csv is not UTF-8; save it as `CSV UTF-8` in the spreadsheet"),
        ({"column": "txt"}, "column: no column 'txt' in {folder}/harmful.csv; did you mean 'text'? Known: text, topic"),
        ({"category_column": "kind"}, "category_column: no column 'kind' in"),
        ({"split_column": "part"}, "split_column: no column 'part' in"),
        ({"assign": "train"}, "assign: 'train' is not allowed; allowed: calibration, evaluation, null"),
        ({"assign": "evaluation", "split_column": "topic"}, "exclude each other"),
    ],
)
def test_invalid_file_settings_are_rejected_before_any_job(
    tmp_path: Path, settings: dict[str, str], message: str
) -> None:
    write(tmp_path / "harmful.csv", [{"text": "one", "topic": "a"}])
    (tmp_path / "a.xlsx").touch()
    (tmp_path / "a.dat").touch()
    (tmp_path / "bad.json").write_text("[1, 2")
    (tmp_path / "bad.parquet").write_text("no parquet")
    (tmp_path / "latin1.csv").write_bytes(b"t\x81xt\n")
    complete = {"kind": "file", **settings, "path": str(tmp_path / settings.get("path", "harmful.csv"))}
    with pytest.raises(ConfigError) as caught:
        check_source(complete)
    assert message.format(folder=tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            "text,topic\none,a\nfour, five,b\n",
            "row 3: more fields than columns (3 cells, the header has 2); quote texts that hold the separator",
        ),
        ("a.json", '[["one"]]', "item 1: expected a text or an object, found list"),
        ("a.json", "3", "expected a list of texts, a list of objects, or an object of lists"),
        ("a.json", '{"text": ["one"], "id": [1, 2]}', "or an object of lists of equal length"),
        ("a.json", '{"text": "one", "text": "two"}', "the key 'text' is in one object more than once"),
        ("a.jsonl", '{"text": "one"}\n{"text"\n', "line 2: not valid JSON"),
        ("a.jsonl", '{"text": ["one"]}\n', "line 1, column 'text': a prompt must be text, found list: ['one']"),
        ("a.jsonl", '{"text": "\\ud800"}\n', "line 1, column 'text': the text is not valid Unicode"),
        ("a.csv", "other\none\n", "no column 'text'; Known: other"),
    ],
)
def test_invalid_files_are_rejected_naming_the_place(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        load_source({"kind": "file", "path": str(path)})
    assert message in str(caught.value)


def test_unknown_split_error_names_its_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [{"text": "one", "part": "calibration"}, {"text": "two", "part": "evaluate"}])
    with pytest.raises(DataError, match="row 3, column 'part': unknown split 'evaluate'; did you mean 'evaluation'"):
        load_source({"kind": "file", "path": str(path), "split_column": "part"})


def test_unknown_source_kind_error_lists_known_kinds() -> None:
    with pytest.raises(
        UnknownNameError, match="kind of prompt source 'flie'; did you mean 'file'\\? Known: benchmark, dataset, fil"
    ):
        check_source({"kind": "flie"})
