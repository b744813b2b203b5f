"""Results are compared with what was recorded when they were made, before anybody reads them."""

import os
import shutil
from pathlib import Path

import pytest

from steadfast.core import integrity
from steadfast.core.errors import DataError
from steadfast.core.files import read_json, sha256_tree, write_json
from steadfast.core.integrity import (
    content_hash,
    look_at,
    require_as_made,
    require_as_made_at_a_glance,
    require_unchanged,
    sidecar,
)
from steadfast.core.provenance import write_provenance
from steadfast.models.pointer import ModelPointer


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEADFAST_COMMAND", "make run CONFIG=mine.yaml")


@pytest.fixture
def table() -> Path:
    """A table with its sidecar."""
    path = Path("tables", "robustness.csv")
    path.parent.mkdir()
    path.write_text("model,refused\nraw,10\nscore0,20\n")
    made(path, rule="robustness")
    return path


@pytest.fixture
def checkpoint() -> Path:
    """A checkpoint with its sidecar."""
    path = Path("my checkpoint")
    (path / "deep").mkdir(parents=True)
    (path / "model.safetensors").write_bytes(bytes(1000))
    (path / "config.json").write_text("{}")
    (path / "deep" / "file").write_text("x")
    made(path)
    return path


@pytest.fixture
def _all_large(monkeypatch):
    monkeypatch.setattr(integrity, "LARGE", 1)


def made(*paths: Path, rule: str = "some_rule") -> None:
    write_provenance(paths, inputs={}, params={}, rule=rule, seconds=1.0)


def hashed(monkeypatch) -> list[str]:
    """Names of the files that are hashed from now on."""
    names: list[str] = []
    real = integrity.sha256_file
    monkeypatch.setattr(integrity, "sha256_file", lambda path: (names.append(Path(path).name), real(path))[1])
    return names


def flip(file: Path, *, keep_time: bool = False) -> None:
    """Change one byte."""
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    if keep_time:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def complaint(*paths: Path) -> str:
    with pytest.raises(DataError) as raised:
        require_as_made(paths)
    return str(raised.value)


def test_content_hash_equals_recorded_and_recomputed_hash(table, checkpoint):
    assert content_hash(table) == sha256_tree(table) == read_json(sidecar(table))["sha256"]
    assert content_hash(checkpoint) == sha256_tree(checkpoint) == read_json(sidecar(checkpoint))["sha256"]
    shutil.copytree(checkpoint, "elsewhere")
    assert content_hash("elsewhere") == content_hash(checkpoint)


def test_unchanged_results_pass_and_return_their_hashes(table, checkpoint):
    seen = require_as_made([table, str(checkpoint)])
    assert {path: found.sha256 for path, found in seen.items()} == {
        "tables/robustness.csv": sha256_tree(table),
        "my checkpoint": sha256_tree(checkpoint),
    }


def test_truncated_table_is_reported_with_the_command_to_rebuild_it(table):
    table.write_text("model,refused\nraw,10\n")
    finished = read_json(sidecar(table))["finished"]
    assert complaint(table) == (
        f"tables/robustness.csv changed since it was made (by robustness, {finished}): has 21 bytes, and had 31\n"
        "Nothing was computed from it. To make it again:\n"
        "  rm -r tables/robustness.csv && make run CONFIG=mine.yaml"
    )


def test_edit_of_the_same_size_is_detected(table):
    table.write_text("model,refused\nraw,99\nscore0,20\n")
    assert "tables/robustness.csv changed" in complaint(table)
    assert "has another content of the same size" in complaint(table)


def test_edit_that_keeps_size_and_mtime_is_detected(table, checkpoint):
    flip(table, keep_time=True)
    flip(checkpoint / "model.safetensors", keep_time=True)
    text = complaint(table, checkpoint)
    assert text.startswith("2 results changed since they were made:\n  tables/robustness.csv (by robustness, ")
    assert ": model.safetensors has another content of the same size\n" in text
    assert text.endswith("  rm -r tables/robustness.csv 'my checkpoint' && make run CONFIG=mine.yaml")


def test_missing_and_added_files_of_a_directory_are_reported(checkpoint):
    (checkpoint / "deep" / "file").unlink()
    (checkpoint / "model.safetensors.index.json").write_text("{}")
    assert ": deep/file is missing; model.safetensors.index.json was added\n" in complaint(checkpoint)


def test_change_report_names_the_first_files_and_counts_others(checkpoint):
    for number in range(9):
        (checkpoint / f"{number}.txt").touch()
    assert ": 0.txt was added; 1.txt was added; 2.txt was added; and 6 more\n" in complaint(checkpoint)


def test_snakemake_timestamps_do_not_count_as_changes(table, checkpoint):
    """Snakemake touches output files after the job, and puts a time stamp into directories."""
    os.utime(table)
    (checkpoint / ".snakemake_timestamp").touch()
    require_as_made([table, checkpoint])


def test_copy_with_other_mtimes_passes(table, checkpoint, monkeypatch):
    for path in (table, checkpoint / "config.json", checkpoint / "model.safetensors"):
        os.utime(path, (1, 1))
    monkeypatch.setattr(integrity, "LARGE", 1)
    require_as_made([table, checkpoint])


@pytest.mark.usefixtures("_all_large")
def test_large_files_are_hashed_once_when_size_or_time_differ(checkpoint, monkeypatch):
    names = hashed(monkeypatch)
    require_as_made([checkpoint])
    assert names == []
    os.utime(checkpoint / "model.safetensors", (1, 1))
    require_as_made([checkpoint])
    assert names == ["model.safetensors"]
    require_as_made([checkpoint])
    assert names == ["model.safetensors"]
    assert read_json(sidecar(checkpoint))["files"]["model.safetensors"]["modified"] == 10**9
    assert read_json(sidecar(checkpoint))["rule"] == "some_rule"
    flip(checkpoint / "model.safetensors")
    assert "model.safetensors has another content" in complaint(checkpoint)


def test_small_files_are_always_hashed(checkpoint, monkeypatch):
    names = hashed(monkeypatch)
    require_as_made([checkpoint])
    assert sorted(names) == ["config.json", "file", "model.safetensors"]


@pytest.mark.usefixtures("_all_large")
def test_check_before_the_run_does_not_hash_large_files(table, checkpoint, monkeypatch):
    names = hashed(monkeypatch)
    flip(checkpoint / "model.safetensors")
    require_as_made_at_a_glance([checkpoint, "not there"])
    assert names == []
    (checkpoint / "model.safetensors").write_bytes(b"short")
    with pytest.raises(DataError, match=r"model\.safetensors has 5 bytes, and had 1,000"):
        require_as_made_at_a_glance([checkpoint])


@pytest.mark.parametrize("content", ["", "[]", "{half a"])
def test_damaged_provenance_record_is_an_error(table, content):
    sidecar(table).write_text(content)
    with pytest.raises(DataError, match=r"changed since it was made: its record .*\.provenance\.json is damaged"):
        require_as_made([table])


@pytest.mark.parametrize("content", ["{}", '{"sha256": null}', '{"files": {"": 1}, "elsewhere": {}}'])
def test_results_without_recorded_hash_pass(table, content):
    expected = sha256_tree(table)
    sidecar(table).write_text(content)
    assert require_as_made([table])["tables/robustness.csv"].sha256 == expected
    sidecar(table).unlink()
    assert require_as_made([table])["tables/robustness.csv"].sha256 == expected


def test_input_changed_while_being_read_is_detected(table, checkpoint):
    seen = require_as_made([table, checkpoint])
    require_unchanged(seen)
    os.utime(table, (1, 1))
    require_unchanged(seen)
    (checkpoint / "config.json").write_text("{ }")
    with pytest.raises(
        DataError, match=r"my checkpoint changed while this step was reading it: config\.json has 3 bytes"
    ):
        require_unchanged(seen)
    table.unlink()
    with pytest.raises(DataError, match=r"tables/robustness\.csv changed while this step was reading it: is missing"):
        require_unchanged(seen)


@pytest.fixture
def model() -> Path:
    """A model directory that points to a checkpoint of this machine."""
    place, model = Path("downloads").absolute(), Path("models", "raw")
    place.mkdir()
    model.mkdir(parents=True)
    (place / "model.safetensors").write_bytes(bytes(1000))
    (place / "config.json").write_text("{}")
    files = {name: sha256_tree(place / name) for name in ("model.safetensors", "config.json")}
    ModelPointer(source="local", path=str(place), files=files).write(model)
    made(model)
    return model


def test_changed_checkpoint_behind_a_pointer_is_detected(model):
    require_as_made([model])
    flip(Path("downloads", "model.safetensors"), keep_time=True)
    assert f": {Path('downloads').absolute()}/model.safetensors has another content of the same size\n" in complaint(
        model
    )
    assert "rm -r models/raw && make run" in complaint(model)
    Path("downloads", "model.safetensors").unlink()
    assert "downloads/model.safetensors is missing" in complaint(model)


@pytest.mark.usefixtures("_all_large")
def test_checkpoint_behind_a_pointer_is_not_hashed_again(model, monkeypatch):
    names = hashed(monkeypatch)
    made(model)
    assert names == ["model.json"]
    require_as_made([model])
    assert names == ["model.json"]


def test_wrong_hashes_in_a_pointer_are_detected(model):
    pointer = read_json(model / "model.json")
    pointer["files"]["config.json"] = "0" * 64
    write_json(model / "model.json", pointer)
    made(model)
    assert "config.json has another content" in complaint(model)


def test_check_passes_where_the_record_is_not_writable(checkpoint, monkeypatch):
    monkeypatch.setattr(integrity, "LARGE", 1)

    def forbidden(*_arguments) -> None:
        raise PermissionError

    monkeypatch.setattr(integrity, "write_json", forbidden)
    os.utime(checkpoint / "model.safetensors", (1, 1))
    require_as_made([checkpoint])


def test_look_at_lists_files_of_all_subfolders(checkpoint):
    assert list(look_at(checkpoint).files) == ["config.json", "deep/file", "model.safetensors"]
