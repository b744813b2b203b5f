"""Why a step failed, read from its log, and how to go on."""

import os
import time

import pytest

from steadfast.runs.terminal.failures import FailedStep, describe, explain, last_line

FAILED = "CalledProcessError in file ...: Command '...' "


@pytest.fixture
def log(tmp_path):
    """Writes a log; returns its path."""

    def write(text: str, name: str = "step.log") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def why(*logs: str, said: str = "", since: float = 0.0) -> FailedStep:
    return explain("raw: train the model", logs, said, since=since)


def test_error_message_in_the_log_is_the_cause(log):
    path = log("loading\nstep 3\nerror: the file x has no column y\nallowed: z\n")
    assert why(path) == FailedStep(
        "raw: train the model", "the file x has no column y\nallowed: z", path, ("loading", "step 3")
    )


def test_exception_of_a_traceback_is_the_cause(log):
    text = """working
Traceback (most recent call last):
  File "a.py", line 1, in f
    g()
KeyError: 'first'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in h
    1 / 0
    ~~^~~
torch.OutOfMemoryError: out of memory
Tried to allocate 2 GiB
"""
    found = why(log(text))
    assert found.cause == "torch.OutOfMemoryError: out of memory\nTried to allocate 2 GiB"
    assert found.tail[-1].strip() == "~~^~~" and len(found.tail) == 8


def test_truncated_traceback_gives_its_last_line(log):
    assert why(log('Traceback (most recent call last):\n  File "a.py", line 1\n')).cause == 'File "a.py", line 1'


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (FAILED + "died with <Signals.SIGKILL: 9>.", "killed (SIGKILL): most often the machine ran out of memory"),
        (FAILED + "died with <Signals.SIGHUP: 1>.", "ended by SIGHUP"),
        (
            FAILED + "returned non-zero exit status 3.",
            "ended with status 3 before it could write to its log; its output is above",
        ),
        ("SLURM-job '7' failed, SLURM status is: 'TIMEOUT'.", "SLURM-job '7' failed, SLURM status is: 'TIMEOUT'."),
        ("", "unknown; nothing was logged"),
    ],
)
def test_cause_falls_back_to_the_scheduler_message(log, said, cause):
    found = why(log("step 1\nstep 2\n"), said=said)
    assert (found.cause, found.tail) == (cause, ("step 1", "step 2"))


def test_cause_falls_back_to_the_scheduler_log(log):
    own, cluster = log("step 1\n"), log("error: no such partition\n", "slurm.log")
    assert why(own, cluster).cause == "no such partition"
    assert why(own, cluster).log == cluster


def test_log_of_an_earlier_run_is_ignored(log):
    path = log("error: repaired since\n")
    os.utime(path, (time.time() - 60, time.time() - 60))
    assert why(path, said=FAILED + "died with <Signals.SIGKILL: 9>.", since=time.time()).cause.startswith("killed")
    assert why(path, since=time.time() - 90).cause == "repaired since"


def test_control_characters_of_logs_are_replaced(log):
    found = why(log("\x1b[2Jgone\x07\nerror: \x1b]0;title\x9b31m\n"))
    assert found.tail == ("·[2Jgone·",)
    assert found.cause == "·]0;title·31m"


def test_last_line_skips_library_progress_bars(log):
    bar = "Loading weights:  84%|████████▍ | 229/272 [00:00<00:00, 461.64it/s]"
    assert last_line(log(f"cases: 1/9, 12 tokens/s\n\r{bar}\nGenerating: 12it [00:03, 4.1it/s]\n")) == (
        "cases: 1/9, 12 tokens/s"
    )
    assert last_line(log(bar)) == ""


def test_last_line_of_a_progress_bar_is_its_last_state(log):
    assert last_line(log("10%\r20%\r30%\n\n")) == "30%"
    assert last_line(log("")) == last_line("nowhere.log") == ""


def test_failures_with_the_same_cause_are_grouped():
    alike = [FailedStep(f"model{n}: download", "no way to the hub", f"{n}.log", ("one",)) for n in range(5)]
    lines = describe([alike[0], FailedStep("judge x", "no key"), *alike[1:]])
    assert lines == [
        "",
        "model0: download; model1: download; model2: download and 2 more",
        "  cause: no way to the hub",
        "  log:   0.log",
        "         | one",
        "",
        "judge x",
        "  cause: no key",
    ]


def test_list_of_causes_is_shortened():
    lines = describe([FailedStep("a step", f"cause {n}") for n in range(8)])
    assert lines[-1] == "... and 3 more causes; every step's log is below results/logs"


def test_foreign_full_disk_errors_get_our_message(log, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # the largest folders are looked for here
    text = "Traceback (most recent call last):\n  File x\nOSError: [Errno 28] No space left on device: 'x'\n"
    assert why(log(text)).cause.startswith("disk full: ")
    assert why(log("error: disk full: /there could not be written")).cause == "disk full: /there could not be written"


def test_full_disk_failures_are_grouped():
    failures = [FailedStep(f"step {n}", f"disk full: /there (with {n} MiB free)") for n in range(3)]
    lines = describe(failures)
    assert lines[:3] == ["", "step 0; step 1; step 2", "  cause: disk full: /there (with 0 MiB free)"]
    assert len(lines) == 3
