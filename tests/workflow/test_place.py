"""Disks that are full, folders that cannot be written to or are named oddly: one message each, and no traceback."""

import shutil
import subprocess

import pytest
from tests.unit.core.test_disk import small_disk

FILLING = """
from pathlib import Path
from steadfast.core.files import atomic_directory
from steadfast.core.job import run_job

with run_job(snakemake):
    with atomic_directory(snakemake.output[0]) as folder:
        (folder / "weights").write_bytes(bytes(100))
with open("filling", "ab", buffering=0) as file:
    while True:
        try:
            file.write(bytes(4096))
        except OSError:
            break
"""
LARGE = """
from steadfast.core.files import atomic_directory
from steadfast.core.job import run_job

with run_job(snakemake):
    with atomic_directory(snakemake.output[0]) as folder:
        (folder / "weights").write_bytes(bytes(100 << 20))
"""


@pytest.fixture
def on_a_small_disk(fresh, tmp_path, monkeypatch):
    """A tree of one model on a disk of its own."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    fresh.put("models", {"raw": {"source": "organism", "recipe": "raw"}})
    fresh.put("judges", {"grammar": {"kind": "grammar"}})
    with small_disk(tmp_path / "disk", "16m") as folder:
        # Snakemake's cache is elsewhere
        monkeypatch.setattr("tests.workflow.conftest.environment", environment_beside(fresh.folder))
        # the adapters alone would fill it
        without = shutil.ignore_patterns("*.safetensors")
        fresh.folder = shutil.copytree(fresh.folder, folder / "a copy", ignore=without)
        yield fresh


def environment_beside(cache):
    from tests.workflow import conftest

    real = conftest.environment
    return lambda _folder: real(cache)


def train_by(tree, script: str) -> None:
    (tree.folder / "workflow" / "scripts" / "train_organism.py").write_text(script, encoding="utf-8")


def test_full_disk_at_the_start_stops_the_run(on_a_small_disk):
    tree = on_a_small_disk
    with pytest.raises(OSError), (tree.folder / "filling").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    status, text = tree.run()
    assert status == 1
    assert text.count(f"disk full: {tree.folder} could not be written (") == 1 and "of 16.0 MiB free)" in text
    assert text.count("The run cannot start; no job was started.") == 1
    assert "Traceback" not in text and "Logging error" not in text


@pytest.mark.slow
def test_result_larger_than_the_disk_fails_with_its_cause(on_a_small_disk):
    tree = on_a_small_disk
    train_by(tree, LARGE)
    status, text = tree.run()
    assert status == 1
    assert "FAILED  raw: train the model: disk full: " in text
    assert f"  cause: disk full: {tree.folder}/results/models/raw could not be written (" in text
    assert "results/checkpoints may be removed" in text
    assert not (tree.folder / "results" / "models").exists()


@pytest.mark.slow
def test_disk_filled_by_others_is_reported_and_run_resumes(on_a_small_disk):
    """Neither logs nor what Snakemake notes of its jobs can be written any more."""
    tree = on_a_small_disk
    train_by(tree, FILLING)
    status, text = tree.run()
    assert status == 1
    assert "disk full: " in text and "Then resume with:\n" in text
    assert "Traceback" not in text and "Logging error" not in text
    (tree.folder / "filling").unlink()
    status, text = tree.dry_run()
    assert status == 0, text
    assert list((tree.folder / ".snakemake" / "locks").iterdir()) == []


def test_folder_with_braces_stops_the_run(fresh, tmp_path):
    fresh.folder = fresh.folder.rename(tmp_path / "{y}")
    status, text = fresh.dry_run()
    assert status == 1
    assert text.count("the path of this folder contains braces, which Snakemake interprets as wildcards: ") == 1
    assert "Traceback" not in text


def test_read_only_folder_stops_the_run(fresh, tmp_path, monkeypatch):
    place = tmp_path / "mounted"
    place.mkdir()
    cache = environment_beside(tmp_path / "cache")
    monkeypatch.setattr("tests.workflow.conftest.environment", cache)
    if subprocess.run(["mount", "--bind", str(fresh.folder), str(place)]).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        fresh.folder = place
        status, text = fresh.run()
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
    assert status == 1
    assert text.count(f"{place} cannot be written to: it is read-only") == 1
    assert "Traceback" not in text
