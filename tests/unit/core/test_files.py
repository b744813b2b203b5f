"""Writing and reading files: whatever goes wrong, a reader sees the old content or the new one."""

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from steadfast.core import files
from steadfast.core.errors import DataError

SCRIPTS = Path(files.__file__).parents[2]


def leftovers(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir() if item.name.startswith("."))


def test_write_text_creates_missing_folders(tmp_path):
    files.write_text(tmp_path / "a" / "b" / "text.txt", "naïve\n")
    assert (tmp_path / "a/b/text.txt").read_bytes() == "naïve\n".encode()
    assert leftovers(tmp_path / "a/b") == []


def test_written_files_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        files.write_text(tmp_path / "file", "x")
        with files.atomic_directory(tmp_path / "folder") as folder:
            (folder / "inside").write_text("x")
            (folder / "private").touch(mode=0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "folder" / "private").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o750
    assert os.umask(before) == before


def test_temporary_path_keeps_the_suffix_and_the_folder(tmp_path):
    with files.atomic_path(tmp_path / "table.parquet") as temporary:
        assert (temporary.suffix, temporary.parent) == (".parquet", tmp_path)
        assert not (tmp_path / "table.parquet").exists()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_failed_write_keeps_the_old_file(tmp_path, error):
    target = tmp_path / "result.txt"
    target.write_text("old")
    with pytest.raises(error), files.atomic_path(target) as temporary:
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failed_directory_write_keeps_the_old_directory(tmp_path, error):
    target = tmp_path / "checkpoint"
    target.mkdir()
    (target / "weights").write_text("old")
    with pytest.raises(error), files.atomic_directory(target) as temporary:
        (temporary / "weights").write_text("half")
        raise error
    assert (target / "weights").read_text() == "old"
    assert leftovers(tmp_path) == []


def test_failed_sync_keeps_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "result.json"
    target.write_text('"old"')

    def full(_path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_json(target, {"new": 1})
    assert target.read_text() == '"old"'
    assert leftovers(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_disk_filling_up_during_a_write_keeps_the_old_file(tmp_path):
    target = tmp_path / "result.txt"
    target.write_text("old")
    with pytest.raises(OSError, match="No space left"), files.atomic_path(target) as temporary:
        temporary.unlink()
        temporary.symlink_to("/dev/full")
        temporary.write_text("new")
    assert target.read_text() == "old"
    assert leftovers(tmp_path) == []
    assert Path("/dev/full").exists()


def test_failed_sync_keeps_the_old_directory(tmp_path, monkeypatch):
    target = tmp_path / "checkpoint"
    target.mkdir()
    (target / "weights").write_text("old")

    def full(_path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_fsync", full)
    with pytest.raises(OSError, match="No space left"), files.atomic_directory(target) as temporary:
        (temporary / "weights").write_text("new")
    assert (target / "weights").read_text() == "old"
    assert leftovers(tmp_path) == []


def test_atomic_directory_replaces_the_whole_directory(tmp_path):
    target = tmp_path / "checkpoint"
    (target / "nested").mkdir(parents=True)
    (target / "nested" / "stale").write_text("old")
    with files.atomic_directory(target) as temporary:
        (temporary / "weights").write_text("new")
        assert (target / "nested" / "stale").exists()
    assert [item.name for item in target.iterdir()] == ["weights"]
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_atomic_directory_replaces_a_file_or_dangling_link(tmp_path, kind):
    target = tmp_path / "checkpoint"
    if kind == "file":
        target.write_text("a file")
    else:
        target.symlink_to(tmp_path / "nowhere")
    with files.atomic_directory(target) as temporary:
        (temporary / "weights").write_text("new")
    assert (target / "weights").read_text() == "new"
    assert not target.is_symlink()


def test_replaced_directory_is_renamed_before_its_deletion(tmp_path, monkeypatch):
    """Whatever is deleted when a directory is replaced no longer has the target's name."""
    target = tmp_path / "checkpoint"
    target.mkdir()
    (target / "weights").write_text("old")
    seen = []
    rename = Path.rename

    def spy(source: Path, destination: Path) -> Path:
        moved = rename(source, destination)
        seen.append((target / "weights").read_text() if target.exists() else None)
        return moved

    monkeypatch.setattr(Path, "rename", spy)
    with files.atomic_directory(target) as temporary:
        (temporary / "weights").write_text("new")
    assert seen == [None, "new"]
    assert leftovers(tmp_path) == []


def run_until_ready_then_kill(code: str, ready: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(SCRIPTS)})
    deadline = time.monotonic() + 60
    while not ready.exists():
        assert child.poll() is None, "the writer ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()


def test_killed_writer_keeps_the_old_file(tmp_path):
    target, ready = tmp_path / "result.txt", tmp_path / "ready"
    target.write_text("old")
    code = f"""
import time
from steadfast.core.files import atomic_path
with atomic_path({str(target)!r}) as temporary:
    with temporary.open("w") as handle:
        handle.write("half of the new content")
        handle.flush()
        open({str(ready)!r}, "w").close()
        time.sleep(60)
"""
    run_until_ready_then_kill(code, ready)
    assert target.read_text() == "old"
    files.write_text(target, "new")
    assert target.read_text() == "new"


def test_killed_writer_keeps_the_old_directory(tmp_path):
    target, ready = tmp_path / "checkpoint", tmp_path / "ready"
    target.mkdir()
    (target / "weights").write_text("old")
    code = f"""
import time
from steadfast.core.files import atomic_directory
with atomic_directory({str(target)!r}) as temporary:
    (temporary / "weights").write_text("half")
    open({str(ready)!r}, "w").close()
    time.sleep(60)
"""
    run_until_ready_then_kill(code, ready)
    assert [(item.name, item.read_text()) for item in target.iterdir()] == [("weights", "old")]


def test_json_round_trip_is_sorted_and_readable(tmp_path):
    files.write_json(tmp_path / "a.json", {"b": [1, None], "a": "é"})
    assert (tmp_path / "a.json").read_text(encoding="utf-8").startswith('{\n  "a": "é",\n  "b"')
    assert files.read_json(tmp_path / "a.json") == {"a": "é", "b": [1, None]}


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe{}"])
def test_invalid_json_error_names_the_file(tmp_path, content):
    (tmp_path / "broken.json").write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.json is not valid JSON"):
        files.read_json(tmp_path / "broken.json")


@pytest.mark.parametrize("name", ["table.parquet", "table.csv"])
def test_tables_round_trip_without_their_index(tmp_path, name):
    table = pd.DataFrame({"text": ["a,b", "c\nd", 'e"f'], "count": [1, 2, 3]}, index=[7, 8, 9])
    files.write_table(tmp_path / name, table)
    read = files.read_table(tmp_path / name)
    pd.testing.assert_frame_equal(read, table.reset_index(drop=True))


@pytest.mark.parametrize("name", ["table.parquet", "table.csv"])
@pytest.mark.parametrize("content", [b"", b'a,b\n1,2,3\n4,"5\n'])
def test_unreadable_table_error_names_the_file(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"cannot read .*{name}"):
        files.read_table(tmp_path / name)


def test_missing_table_raises_file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.read_table(tmp_path / "none.csv")


def test_missing_columns_error_lists_missing_and_found_columns(tmp_path):
    table = pd.DataFrame({"a": [1], "b": [2]})
    assert files.require_columns(table, ["a"], "x.csv") is table
    with pytest.raises(DataError, match=r"x\.csv: missing column\(s\) c, d; found a, b"):
        files.require_columns(table, ["a", "c", "d"], "x.csv")


def test_tree_hash_depends_on_file_names_and_contents_only(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for root in (one, two):
        (root / "sub").mkdir(parents=True)
        (root / "a").write_text("1")
        (root / "sub" / "b").write_text("2")
    assert files.sha256_tree(one) == files.sha256_tree(two)
    (two / ".snakemake_timestamp").write_text("")
    (two / ".hidden").mkdir()
    (two / ".hidden" / "x").write_text("x")
    assert files.sha256_tree(one) == files.sha256_tree(two)
    (two / "sub" / "b").rename(two / "sub" / "c")
    assert files.sha256_tree(one) != files.sha256_tree(two)
    (two / "sub" / "c").rename(two / "sub" / "b")
    (two / "sub" / "b").write_text("3")
    assert files.sha256_tree(one) != files.sha256_tree(two)


def test_the_hash_of_a_file_is_its_sha256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.sha256_file(tmp_path / "abc") == files.sha256_tree(tmp_path / "abc") == expected


def test_hash_of_a_missing_path_raises(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.sha256_tree(tmp_path / "nothing")


WRITER = """
import sys, time
from pathlib import Path
from steadfast.core import files

with getattr(files, sys.argv[1])(Path("target")) as temporary:
    print(temporary.name, flush=True)
    time.sleep(300)
"""


@pytest.mark.parametrize("kind", ["atomic_path", "atomic_directory"])
def test_temporary_files_are_removed_only_after_their_writer_dies(tmp_path, kind):
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, kind],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout
        name = writer.stdout.readline().strip()
        files.remove_abandoned([tmp_path / "target"])
        assert leftovers(tmp_path) == [name]
        writer.kill()
    assert leftovers(tmp_path) == [name]
    files.remove_abandoned([tmp_path / "target"])
    assert leftovers(tmp_path) == []


def test_remove_abandoned_keeps_files_of_other_targets(tmp_path):
    names = [".a.csv.journal.jsonl", ".a.csv", ".b.csv.abcdefgh.csv", ".a.csv.ABCDEFGH.csv", "a.csv.abcdefgh.csv"]
    for name in names:
        (tmp_path / name).touch()
    files.remove_abandoned([tmp_path / "a.csv", tmp_path / "a"])
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(names)


def test_remove_abandoned_treats_glob_characters_literally(tmp_path):
    (tmp_path / ".[ab].csv.abcdefgh.csv").touch()
    (tmp_path / ".a.csv.abcdefgh.csv").touch()
    files.remove_abandoned([tmp_path / "[ab].csv"])
    assert leftovers(tmp_path) == [".a.csv.abcdefgh.csv"]


def test_remove_abandoned_keeps_files_where_locks_are_unsupported(tmp_path, monkeypatch):
    (tmp_path / ".a.csv.abcdefgh.csv").touch()

    def unsupported(*_arguments) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", unsupported)
    files.write_text(tmp_path / "a.csv", "x")
    files.remove_abandoned([tmp_path / "a.csv"])
    assert leftovers(tmp_path) == [".a.csv.abcdefgh.csv"]
