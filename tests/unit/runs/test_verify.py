"""`make verify`: every result is hashed and compared with its record, and with what it was made from."""

import os
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from steadfast.core import integrity
from steadfast.core.errors import DataError
from steadfast.core.files import sha256_tree
from steadfast.core.integrity import sidecar
from steadfast.core.provenance import write_provenance
from steadfast.runs.verify import main, repair, verify


@pytest.fixture(autouse=True)
def _results(tmp_path, monkeypatch):
    """A grid of three steps, prompts → responses → table, the first from a file outside."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEADFAST_COMMAND", "make run")
    Path("prompts.csv").write_text("text\nHow?\n")
    chain = ["prompts.csv", "results/prompts", "results/responses/raw.parquet", "results/tables/counts.csv"]
    for source, target in pairwise(chain):
        make(target, source)


def make(target: str, source: str) -> None:
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix:
        path.write_text(f"made from {sha256_tree(source)}")
    else:
        path.mkdir(exist_ok=True)
        (path / "prompts.parquet").write_text(f"made from {sha256_tree(source)}")
    write_provenance([path], inputs={source: sha256_tree(source)}, params={}, rule="some_rule", seconds=1.0)


def test_unchanged_results_verify(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out == "3 of 3 results are as they were made, from the inputs that there are now.\n"


@pytest.mark.parametrize("large", [1, 1 << 26])
def test_flipped_byte_is_detected_despite_equal_size_and_time(monkeypatch, capsys, large):
    monkeypatch.setattr(integrity, "LARGE", large)
    file = Path("results/responses/raw.parquet")
    before = file.stat()
    file.write_bytes(b"M" + file.read_bytes()[1:])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert main([]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "2 of 3 results are as they were made, from the inputs that there are now.",
        "",
        "results/responses/raw.parquet: changed since it was made: has another content of the same size",
        "",
        "To remove them and what was made from them, and to make all of it again:",
        "  make repair && make run",
    ]


def test_result_made_from_a_restored_input_is_detected():
    """The table was made from edited responses; the responses are right again, and nothing shows in their time."""
    responses = Path("results/responses/raw.parquet")
    right = responses.read_bytes()
    responses.write_text("edited")
    make("results/tables/counts.csv", str(responses))
    responses.write_bytes(right)
    assert verify().problems == {
        "results/tables/counts.csv": "was made from another results/responses/raw.parquet than there is now"
    }


def test_changed_external_input_is_detected():
    Path("prompts.csv").write_text("text\nWhy?\n")
    assert verify().problems == {"results/prompts": "was made from another prompts.csv than there is now"}
    Path("prompts.csv").unlink()
    assert verify().problems == {}


def test_results_that_were_removed_are_counted(capsys):
    shutil.rmtree("results/prompts")
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("1 were removed since")


def test_damaged_record_is_detected():
    sidecar("results/prompts").write_text("{half")
    assert list(verify().problems) == ["results/prompts"]
    assert "its record results/prompts.provenance.json is damaged" in verify().problems["results/prompts"]


def test_missing_record_is_detected_and_repaired():
    before = verify()
    Path("results/prompts.provenance.json").unlink()
    found = verify()
    assert found.problems == {"results/prompts": "its record is missing, so that a change could not be seen"}
    assert found.checked == before.checked
    assert "results/prompts" in repair(found) and not Path("results/prompts").exists()


def test_verify_accepts_another_folder(capsys):
    shutil.move("results", "kept")
    assert main(["kept"]) == 0
    assert capsys.readouterr().out.startswith("3 of 3 results")


def test_nothing_to_verify_is_not_reported_as_correct(capsys):
    with pytest.raises(DataError, match="there is no folder nowhere"):
        main(["nowhere"])
    Path("empty").mkdir()
    assert main(["empty"]) == 0
    assert capsys.readouterr().out == "empty holds no results yet.\n"
    with pytest.raises(DataError, match="usage"):
        main(["--repare"])


def test_repair_removes_wrong_results_and_their_dependents(capsys):
    Path("results/responses/raw.parquet").write_text("edited")
    assert main(["--repair"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 results were removed; a run makes them again.",
        "results/responses/raw.parquet",
        "results/tables/counts.csv",
    ]
    left = {str(path) for path in Path("results").rglob("*") if path.is_file()}
    assert left == {"results/prompts/prompts.parquet", "results/prompts.provenance.json"}
    assert main([]) == 0


def test_repair_removes_directories_and_damaged_records():
    (Path("results/prompts") / "prompts.parquet").write_text("edited")
    sidecar("results/tables/counts.csv").write_text("{half")
    assert repair(verify()) == ["results/prompts", "results/responses/raw.parquet", "results/tables/counts.csv"]
    assert not [path for path in Path("results").rglob("*") if path.is_file()]


def test_repair_of_correct_results_removes_nothing():
    assert repair(verify()) == []
    assert verify().checked == 3
