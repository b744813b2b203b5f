"""Which GPUs a job may take; a GPU is a name here, so that none is needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from steadfast.core import gpus

SCRIPTS = Path(gpus.__file__).parents[2]


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ("0,1", ["0", "1"]),
        ("GPU-5f,1", ["GPU-5f", "1"]),
        ("", []),
        ("-1", []),
        ("2,-1,3", ["2"]),
        (" 0 , 1 ", ["0", "1"]),
    ],
)
def test_visible_gpus_follow_cuda_visible_devices(listed, names):
    assert gpus.visible_gpus({"CUDA_VISIBLE_DEVICES": listed}) == names


def test_visible_gpus_default_to_all_devices(monkeypatch, tmp_path):
    monkeypatch.setattr(gpus, "DEVICES", tmp_path)
    assert gpus.visible_gpus({}) == []
    for name in ("nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert gpus.visible_gpus({}) == ["2", "10"]


@pytest.mark.parametrize("count", [0, 2, 3])
def test_claiming_no_or_all_gpus_needs_no_lock(monkeypatch, tmp_path, count):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with gpus.claimed_gpus(count):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert not list(tmp_path.iterdir())


HOLDER = """
import os, sys
from steadfast.core.gpus import claimed_gpus
with claimed_gpus(int(sys.argv[1])):
    sys.stdin.read()
print("after:", os.environ["CUDA_VISIBLE_DEVICES"])
"""


@pytest.fixture
def holder(tmp_path):
    """Start a process that holds GPUs until its standard input closes; three may be used."""
    started = []

    def start(count: int) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(SCRIPTS),
            "TMPDIR": str(tmp_path),
            "CUDA_VISIBLE_DEVICES": "0,1,2",
        }
        command = [sys.executable, "-c", HOLDER, str(count)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, env=environment, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_concurrent_jobs_claim_different_gpus(holder):
    first, second = holder(1), holder(2)
    taken = {process.stdout.readline().removeprefix("GPUs of this job: ").strip() for process in (first, second)}
    assert taken in ({"0", "1,2"}, {"0,1", "2"})
    third = holder(1)
    first.kill()  # nobody tidies up behind it
    assert third.stdout.readline().startswith("GPUs of this job: ")
    second.stdin.close()
    assert second.stdout.readline() == "after: 0,1,2\n"
