"""Runs that are killed, ended, or whose terminal is closed: what stays behind, and what the next run says of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.workflow.conftest import environment

WORKING = """
import time
from steadfast.core.job import run_job

with run_job(snakemake):
    print("working", flush=True)
    open("began", "w").close()
    while True:
        time.sleep(0.05)
"""
LOCKS = Path(".snakemake", "locks")


@pytest.fixture
def run(fresh):
    """A run whose first job works until it is ended, in a session of its own as below a terminal of its own."""
    (fresh.folder / "workflow" / "scripts" / "train_organism.py").write_text(WORKING, encoding="utf-8")
    fresh.put("models", {"raw": {"source": "organism", "recipe": "raw"}})
    fresh.put("judges", {"grammar": {"kind": "grammar"}})
    fresh.process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "mine.yaml"],
        cwd=fresh.folder,
        env={**environment(fresh.folder), "STEADFAST_COMMAND": "make run CONFIG=mine.yaml"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: [signal.signal(each, signal.SIG_DFL) for each in (signal.SIGHUP, signal.SIGTERM)],
    )
    while not (fresh.folder / "began").exists():
        assert fresh.process.poll() is None
        time.sleep(0.1)
    yield fresh
    if fresh.process.poll() is None:
        os.killpg(fresh.process.pid, signal.SIGKILL)
    fresh.process.wait()


def log_of(tree) -> str:
    return (tree.folder / "results" / "logs" / "models" / "raw.log").read_text()


@pytest.mark.slow
def test_closed_terminal_ends_the_run_and_removes_the_lock(run):
    os.killpg(run.process.pid, signal.SIGHUP)
    text, _ = run.process.communicate(timeout=60)
    assert run.process.returncode != 0
    assert not (run.folder / LOCKS).exists()
    assert "Interrupted: " in text and "make run CONFIG=mine.yaml" in text
    assert log_of(run).endswith("error: stopped from outside (SIGHUP)\n")


@pytest.mark.slow
def test_second_run_names_a_live_run_or_replaces_killed_one(run, monkeypatch):
    monkeypatch.setenv("STEADFAST_COMMAND", "make run CONFIG=mine.yaml")
    status, text = run.run_alone()
    assert status == 1
    assert f"Another run is using this folder: process {run.process.pid} on " in text
    assert "LockException" not in text and "--unlock" not in text

    run.process.kill()
    run.process.wait()
    deadline = time.monotonic() + 30
    while "error: the run that started this step is gone" not in log_of(run):
        assert time.monotonic() < deadline
        time.sleep(0.1)

    status, text = run.run_alone()
    assert status == 1
    assert "A run in this folder was killed and left its lock; none of its processes is alive." in text
    assert text.count("  make unlock && make run CONFIG=mine.yaml") == 1
    scripts = str(run.folder / "workflow" / "scripts")
    unlocking = [sys.executable, "-m", "steadfast.runs.lock"]
    assert subprocess.run(unlocking, cwd=run.folder, env={**os.environ, "PYTHONPATH": scripts}).returncode == 0
    assert not (run.folder / LOCKS).exists()
    status, text = run.dry_run()
    assert status == 0 and "raw: train the model" in text
