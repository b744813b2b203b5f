"""Full disks are distinguished from other failures, with the path and what may be removed."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from steadfast.core import disk
from steadfast.core.files import write_table, write_text


@contextmanager
def small_disk(folder: Path, size: str = "1m") -> Iterator[Path]:
    """A disk of its own of a given size; the test is skipped where none may be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def full(tmp_path):
    """A full disk."""
    with small_disk(tmp_path / "disk") as folder:
        with (folder / "filling").open("wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(bytes(4096))
        yield folder


WRITERS = {
    "text": lambda path: write_text(path.with_suffix(".txt"), "x" * 10_000),
    "csv": lambda path: write_table(path.with_suffix(".csv"), pd.DataFrame({"a": range(10_000)})),
    "parquet": lambda path: write_table(path.with_suffix(".parquet"), pd.DataFrame({"a": range(10_000)})),
    "safetensors": lambda path: save_file({"a": torch.zeros(10_000)}, path),
    "torch": lambda path: torch.save(torch.zeros(10_000), path),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_full_disk_is_reported_as_cause_for_every_writer(full, write):
    with pytest.raises(Exception) as raised:
        write(full / "result")
    assert disk.cause_of(raised.value, [full / "result"]).startswith(f"disk full: {full}")
    assert "(0 bytes of 1.0 MiB free)" in disk.cause_of(raised.value, [full / "result"])


@pytest.mark.slow
def test_full_disk_is_found_through_a_chained_exception():
    try:
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/else")
        except OSError as error:
            raise ValueError("cannot keep it") from error
    except ValueError as error:
        assert disk.cause_of(error, ["x"]).startswith("disk full: /somewhere/else could not be written (")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
        ValueError("[Errno 28] Error writing bytes to file"),
    ],
)
def test_message_says_that_a_full_disk_has_space_again(error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the largest folders are looked for here
    assert "free by now; it was full, or a quota was reached)" in disk.cause_of(error, [tmp_path / "x"])


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOENT, "No such file"), RuntimeError("shapes 28 and 122"), KeyError(1)]
)
def test_other_errors_have_no_full_disk_cause(error, tmp_path):
    assert disk.cause_of(error, [tmp_path]) == ""


def test_unrelated_errors_are_not_explained_by_a_full_disk(full):
    assert disk.cause_of(KeyError("column"), [full / "x"]) == ""
    assert disk.cause_of(RuntimeError("file write failed"), [full / "x"]).startswith(f"disk full: {full}/x")


def test_full_disk_message_names_the_largest_folders(tmp_path, monkeypatch):
    with small_disk(tmp_path / "disk", "8m") as folder:
        monkeypatch.chdir(folder)
        for name, size in {"checkpoints": 3, "models": 2, "tables": 1, "logs": 0}.items():
            (folder / "results" / name).mkdir(parents=True)
            (folder / "results" / name / "file").write_bytes(bytes(size << 20))
        text = disk.message("results/tables/counts.csv")
    lines = text.splitlines()
    assert lines[0].startswith(
        f"disk full: {folder}/results/tables/counts.csv could not be written (2.0 MiB of 8.0 MiB"
    )
    assert lines[1] == (
        "Free space there. The largest folders of this run: results/checkpoints 3.0 MiB, results/models 2.0 MiB, "
        "results/tables 1.0 MiB."
    )
    assert lines[2].startswith("results/checkpoints may be removed")


def test_full_disk_message_covers_a_lack_of_inodes(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=2", "tmpfs", str(folder)])
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        (folder / "one").touch()
        with pytest.raises(OSError) as raised:
            (folder / "two").touch()
        assert "and no file can be added (no inode is free)" in disk.cause_of(raised.value, [folder / "two"])
    finally:
        subprocess.run(["umount", str(folder)], check=True)


JOB = """
import sys
from types import SimpleNamespace
from steadfast.core.files import write_text
from steadfast.core.job import run_job

log, output, chatter = sys.argv[1:]
snakemake = SimpleNamespace(input=[], output=[output], params={}, log=[log], resources={}, rule="some_rule")
with run_job(snakemake):
    print("x" * int(chatter))
    write_text(output, "x" * 100_000)
"""


def job(folder: Path, log: Path, output: Path, chatter: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", JOB, str(log), str(output), str(chatter)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(disk.__file__).parents[2])},
        capture_output=True,
        text=True,
    )


def test_job_log_reports_a_full_disk(full, tmp_path):
    done = job(tmp_path, tmp_path / "job.log", full / "output.txt")
    assert (done.returncode, done.stdout, done.stderr) == (disk.STATUS, "", "")
    last = (tmp_path / "job.log").read_text().partition("error: ")[2]
    assert last.startswith(f"disk full: {full}/output.txt could not be written (0 bytes of 1.0 MiB free)\n")


@pytest.mark.parametrize("chatter", [0, 100_000])
def test_unwritable_log_is_reported_on_terminal_and_by_status(full, tmp_path, chatter):
    (full / "exists.log").touch()
    for log in (full / "new" / "job.log", full / "exists.log"):
        done = job(tmp_path, log, tmp_path / "output.txt" if chatter else full / "output.txt", chatter)
        assert done.returncode == disk.STATUS
        assert f"error: disk full: {full}" in done.stderr
        assert "Traceback" not in done.stderr
