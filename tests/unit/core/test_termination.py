"""Jobs end tidily when they are asked to, and by themselves when the run that started them is gone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from steadfast.core import termination

SCRIPTS = Path(termination.__file__).parents[2]
POLL_SECONDS = 0.1
"""How often a job of these tests looks for its run."""
JOB = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from steadfast.core import termination
from steadfast.core.files import atomic_path
from steadfast.core.job import run_job

termination.POLL_SECONDS = POLL_SECONDS_OF_TEST
snakemake = SimpleNamespace(
    input=[], output=["output.txt"], params={}, log=["job.log"], resources={}, rule="some_rule",
)
with run_job(snakemake):
    with atomic_path("output.txt") as temporary:
        Path("working").touch()
        while True:
            time.sleep(0.05)
"""
# starts the job as Snakemake does: in a thread, through a shell
RUN = """
import subprocess, sys, threading, time
from steadfast.core.termination import name_run

name_run()
start = lambda: subprocess.call(["bash", "-c", "set -euo pipefail; '%s' job.py; true" % sys.executable])
threading.Thread(target=start, daemon=True).start()
time.sleep(300)
"""


def wait_for(condition, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def start(tmp_path):
    """Start the job, or the run that starts it, and wait until the job works."""
    (tmp_path / "job.py").write_text(JOB.replace("POLL_SECONDS_OF_TEST", str(POLL_SECONDS)))
    (tmp_path / "run.py").write_text(RUN)
    started: list[subprocess.Popen[bytes]] = []

    def start(program: str, **environment: str) -> subprocess.Popen[bytes]:
        clean = {name: value for name, value in os.environ.items() if name != termination.RUN_VARIABLE}
        process = subprocess.Popen(
            [sys.executable, program],
            cwd=tmp_path,
            env={**clean, "PYTHONPATH": str(SCRIPTS), **environment},
            start_new_session=True,
            preexec_fn=lambda: [signal.signal(each, signal.SIG_DFL) for each in (signal.SIGHUP, signal.SIGTERM)],
        )
        started.append(process)
        wait_for((tmp_path / "working").exists)
        return process

    yield start
    for process in started:
        # the group may be gone; the rest of it was started here
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} - {"job.py", "run.py", "working"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_terminated_job_logs_the_signal_and_removes_partial_output(start, tmp_path, number):
    job = start("job.py")
    job.send_signal(number)
    assert job.wait(30) == 128 + number
    assert (tmp_path / "job.log").read_text() == f"error: stopped from outside ({number.name})\n"
    assert names(tmp_path) == {"job.log"}


def test_job_ends_after_its_run_was_killed(start, tmp_path):
    run = start("run.py")
    run.kill()
    run.wait()
    wait_for((tmp_path / "job.log").read_text)
    assert (tmp_path / "job.log").read_text() == "error: the run that started this step is gone\n"
    wait_for(lambda: names(tmp_path) == {"job.log"})


def test_job_ends_if_its_run_died_before_it_started(start, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 999_999_999)
    monkeypatch.setenv(termination.RUN_VARIABLE, "")
    termination.name_run()
    start("job.py", STEADFAST_RUN=os.environ[termination.RUN_VARIABLE])
    wait_for((tmp_path / "job.log").read_text)
    assert (tmp_path / "job.log").read_text() == "error: the run that started this step is gone\n"


@pytest.mark.slow
def test_job_of_a_live_run_continues(start, tmp_path):
    start("run.py")
    time.sleep(10 * POLL_SECONDS)
    assert (tmp_path / "job.log").read_text() == ""


@pytest.mark.parametrize("run", ["", "no number", "999999999", "999999999 another-machine pid:[1]"])
def test_job_without_a_known_run_continues(start, tmp_path, run):
    job = start("job.py", STEADFAST_RUN=run)
    time.sleep(5 * POLL_SECONDS)
    assert job.poll() is None


IGNORING = """
import os, signal
from steadfast.core.termination import end_run_on_hangup, stoppable

signal.signal(signal.SIGHUP, signal.SIG_IGN)
end_run_on_hangup()
os.kill(os.getpid(), signal.SIGHUP)
with stoppable():
    os.kill(os.getpid(), signal.SIGHUP)
print("alive")
"""
LOCKED = """
import os, signal, time
from steadfast.core.termination import end_run_on_hangup

end_run_on_hangup()
try:
    os.kill(os.getpid(), signal.{signal})
    time.sleep(30)
finally:
    print("unlocked")
"""
SCHEDULING = """
import os, signal, time
from steadfast.core.termination import end_run_on_hangup

end_run_on_hangup()
signal.signal(signal.SIGTERM, lambda number, frame: print("Snakemake's own handler"))
os.kill(os.getpid(), signal.SIGHUP)
time.sleep(0.1)
"""


def outcome(code: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        preexec_fn=lambda: [signal.signal(each, signal.SIG_DFL) for each in (signal.SIGHUP, signal.SIGTERM)],
    )
    return done.returncode, done.stdout


def test_run_under_nohup_survives_a_closed_terminal():
    assert outcome(IGNORING) == (0, "alive\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_run_terminated_before_first_job_releases_the_lock(number):
    assert outcome(LOCKED.format(signal=number.name)) == (128 + signal.SIGTERM, "unlocked\n")


def test_closed_terminal_during_jobs_acts_like_sigterm():
    assert outcome(SCHEDULING) == (0, "Snakemake's own handler\n")
