"""Which run uses a folder: a live one is named, and the lock of a dead one can be removed."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from steadfast.runs import lock
from steadfast.runs.lock import claim_folder, explain_lock, main

SCRIPTS = Path(lock.__file__).parents[2]
OWNER = """
from steadfast.runs.lock import claim_folder

claim_folder()
print("claimed", flush=True)
input()
"""


@pytest.fixture(autouse=True)
def _locked_folder(tmp_path, monkeypatch):
    """A folder with a lock of Snakemake's in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEADFAST_COMMAND", "make run CONFIG=mine.yaml")
    monkeypatch.setattr(lock, "_held", [])
    locks = tmp_path / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.input.lock").write_text("x")
    yield
    release()


def release() -> None:
    """What the end of this process does."""
    while lock._held:
        os.close(lock._held.pop())


@pytest.fixture
def other():
    """Another run that uses the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS), "STEADFAST_COMMAND": "make run CONFIG=theirs.yaml"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "claimed\n"
        yield process
        process.kill()


def test_live_run_is_named_and_keeps_its_lock(other, capsys):
    claim_folder()
    text = explain_lock()
    assert text.startswith(f"Another run is using this folder: process {other.pid} on ")
    assert "(make run CONFIG=theirs.yaml)" in text and "unlock" not in text
    assert main() == 1
    assert Path(".snakemake/locks/0.input.lock").exists()
    assert capsys.readouterr().err.startswith("Another run is using this folder: process ")


def test_lock_of_a_killed_run_can_be_removed(other, capsys):
    other.kill()
    other.wait()
    claim_folder()
    assert explain_lock().endswith("\n  make unlock && make run CONFIG=mine.yaml")
    assert "was killed and left its lock" in explain_lock()
    release()
    assert main() == 0
    assert not Path(".snakemake/locks").exists()
    assert main() == 0
    assert capsys.readouterr().out == "The lock was removed.\nThere is no lock.\n"


def test_unlock_advice_matches_the_snakemake_command(monkeypatch):
    monkeypatch.setenv("STEADFAST_COMMAND", "snakemake --cores 2")
    claim_folder()
    assert explain_lock().endswith("\n  snakemake --unlock && snakemake --cores 2")


def test_lock_owner_is_unknown_without_file_locks(monkeypatch):
    def unsupported(*_arguments) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", unsupported)
    claim_folder()
    assert "which cannot be known on this file system" in explain_lock()
    assert "make unlock && make run" in explain_lock()


def test_read_only_folder_is_not_claimed(monkeypatch):
    def forbidden(*_arguments) -> None:
        raise PermissionError

    monkeypatch.setattr(lock.os, "open", forbidden)
    claim_folder()
    assert lock._held == []
    assert "which cannot be known" in explain_lock()


def test_damaged_lock_record_names_no_process(other):
    lock.RECORD.write_text("{half")
    assert "Another run is using this folder: its process is not known." in explain_lock()
