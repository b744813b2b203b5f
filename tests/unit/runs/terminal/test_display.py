"""What the display makes of Snakemake's records."""

import io
import logging
import re
import time

import pytest

from steadfast.core.progress import duration
from steadfast.runs.estimates.forecast import Forecast, Task
from steadfast.runs.terminal import display
from steadfast.runs.terminal.display import show_run
from steadfast.runs.terminal.words import clock, in_words, reason_in_words


@pytest.fixture
def log(request):
    """A logger as Snakemake sets it up, of its own."""
    logger = logging.getLogger(f"steadfast.tests.{request.node.name}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    handler = logging.StreamHandler(io.StringIO())
    handler.name = "DefaultStreamHandler"
    logger.addHandler(handler)
    yield logger
    for each in list(logger.handlers):
        logger.removeHandler(each)
        each.close()


@pytest.fixture
def run(log):
    """Functions that log what Snakemake logs of a run, and what was shown since the last look."""

    class Run:
        shown = show_run(log, "2 models", dry_run=False)

        def event(self, name, **fields):
            log.info(None, extra={"event": name, **fields})

        def plan(self, total):
            self.event("run_info", stats={"total": total, "train": total})

        def start(self, job, words, logfile="nowhere.log", reason="", indent=False):
            wildcards = {"model": "raw"}
            fields = {"rule_name": "train", "rule_msg": words, "reason": reason, "wildcards": wildcards}
            self.event("job_info", jobid=job, log=[logfile], indent=indent, **fields)

        def done(self, job):
            self.event("job_finished", job_id=job)

        def failed(self, job, logfile="nowhere.log", told=None, indent=False):
            log.error("Error", extra={"event": "job_error", **self.error(job, logfile, told, indent)})

        @staticmethod
        def error(job, logfile, told=None, indent=True):
            return {"rule_name": "train", "jobid": job, "log": [logfile], "rule_msg": told, "indent": indent}

        def look(self):
            text = self.shown.stream.getvalue()
            self.shown.stream.seek(0)
            self.shown.stream.truncate()
            return text

    return Run()


def test_a_run_in_words(run):
    run.plan(3)
    run.start(4, "raw: train the model")
    run.done(4)
    assert run.look() == (
        "2 models\n3 steps to do; their logs are in results/logs\n"
        "  0:00:00    0%  start   raw: train the model\n"
        "  0:00:00   33%  done    raw: train the model (0 s)\n"
    )


def test_a_rule_without_a_message_is_told_by_its_name():
    assert in_words("find_it", {"model": "raw", "variant": "original"}) == "find it: raw, original"
    assert in_words("find_it", {}) == "find it"


def test_snakemakes_remarks_on_itself_are_left_out(run, log):
    for text in (
        "Building DAG of jobs...",
        "Select jobs to execute...",
        "Elapsed time: 0:01",
        "Job 3 has been submitted with SLURM jobid 7",
        "",
    ):
        log.info(text)
    run.event("resources_info")
    run.event("shellcmd")
    log.warning("warning: something to know")
    log.info("Nothing to be done")
    assert run.look() == "warning: something to know\nNothing to be done\n"


def test_a_failure_is_told_at_once_and_at_the_end(run, log, tmp_path, monkeypatch):
    monkeypatch.setenv("STEADFAST_COMMAND", "make run")
    run.plan(4)
    for job, name in ((1, "raw"), (2, "score0")):
        run.start(job, f"{name}: train the model", str(tmp_path / "raw.log"))
    (tmp_path / "raw.log").write_text("step 1\nerror: no data\n")
    run.done(2)
    log.error("CalledProcessError", extra={"event": "error"})
    run.failed(1, str(tmp_path / "raw.log"))
    assert run.look().splitlines()[-1] == "  0:00:00   25%  FAILED  raw: train the model: no data"
    log.error("Exiting because a job execution failed. Look above for error messages")
    run.shown.finish()
    assert (
        run.look()
        == f"""
1 of 4 steps failed, and 2 that need what they make did not start.

raw: train the model
  cause: no data
  log:   {tmp_path / "raw.log"}
         | step 1

1 of 4 steps done, and what was made is kept. When the cause is removed, go on with:
  make run
"""
    )


def test_each_failure_gets_what_snakemake_said_of_it(run, log):
    run.plan(2)
    run.start(1, "one")
    run.start(2, "two")
    for signal in ("SIGKILL: 9", "SIGTERM: 15"):
        log.error(f"CalledProcessError: Command died with <Signals.{signal}>.", extra={"event": "error"})
    run.failed(1)
    run.failed(2)
    first, second = run.look().splitlines()[-2:]
    assert "one: killed (SIGKILL)" in first and "two: stopped from outside (SIGTERM)" in second


def test_another_error_of_snakemake_is_shown_and_is_the_cause(run, log):
    run.plan(1)
    run.start(1, "one")
    log.error("MissingOutputException: a file", extra={"event": "error"})
    run.failed(1)
    assert run.look().splitlines()[-2:] == [
        "MissingOutputException: a file",
        "  0:00:00    0%  FAILED  one: MissingOutputException: a file",
    ]


def test_a_step_that_is_tried_again_has_not_failed(run, log):
    run.plan(1)
    run.start(1, "one")
    run.failed(1, told="out of time")
    log.info("Trying to restart job 1.")
    assert run.look().splitlines()[-1] == "  0:00:00    0%  again   one"
    assert not run.shown.failures


def test_of_steps_in_one_allocation_the_guilty_one_is_named(run, log, tmp_path):
    logs = [str(tmp_path / f"{n}.log") for n in (1, 2)]
    run.plan(2)
    for job, path in enumerate(logs):
        run.start(job, f"step {job}", path, indent=True)
    (tmp_path / "1.log").write_text("all well\n")
    (tmp_path / "2.log").write_text("error: no data\n")
    errors = [run.error(job, path) for job, path in enumerate(logs)]
    log.error(None, extra={"event": "group_error", "job_error_info": errors, "aux_logs": ["slurm.log"]})
    for job, path in enumerate(logs):
        run.failed(job, path, indent=True)
    assert [failure.step for failure in run.shown.failures.values()] == ["step 1"]
    assert run.look().splitlines()[-1] == "  0:00:00    0%  FAILED  step 1: no data"


@pytest.mark.parametrize(
    "words", ["Terminating processes on user request, ...", "Will exit after finishing currently ..."]
)
def test_an_interruption_is_no_failure(run, log, monkeypatch, words):
    monkeypatch.setenv("STEADFAST_COMMAND", "make run")
    run.plan(2)
    run.start(1, "one")
    run.look()
    log.info(words.replace("currently ...", "currently running jobs (scheduler)."))
    log.info(words.replace("currently ...", "currently running jobs (scheduler)."))
    run.failed(1)
    run.shown.finish()
    assert run.look() == (
        "\nInterrupted; waiting for the running steps to stop ...\n"
        "\nInterrupted: 0 of 2 steps done, and what was made is kept. To go on:\n  make run\n"
    )


def test_a_dry_run_lists_reasons(log):
    shown = show_run(log, "2 models", dry_run=True)
    stats = {"event": "run_info", "stats": {"total": 1}}
    log.info(None, extra=stats)
    reason = "Params have changed since last execution: a; Input files updated by another job: b"
    fields = {"rule_name": "train", "rule_msg": "train", "wildcards": {}, "jobid": 1, "log": []}
    log.info(None, extra={"event": "job_info", "reason": reason, **fields})
    log.info(None, extra=stats)
    assert shown.stream.getvalue() == (
        "2 models\nA run would take these steps:\n  settings or code changed        train\n1 step in all\n"
    )


def test_reasons_in_words():
    assert reason_in_words("Missing output files: a; Input files updated by another job: b") == "no result yet"
    assert reason_in_words("Rules with neither input nor output files are always executed.") == "always made"


@pytest.fixture
def running(run, tmp_path):
    """A run with one step, whose log says how far it is."""
    (tmp_path / "one.log").write_text("responses: 3/10, 5 tokens/s, 90 s left\n")
    forecast = Forecast({1: Task("answer", lambda: 20.0), 2: Task("judge", lambda: 20.0, needs=[1])}, 2)
    run.plan(3)
    run.shown.foresee(forecast, ["  time      about 40 s"])
    run.start(1, "one: answer", str(tmp_path / "one.log"))
    return run


def test_a_run_with_a_forecast_counts_by_expected_seconds_and_tells_the_time_left(running):
    assert running.look().splitlines()[2:] == [
        "  time      about 40 s",
        "  0:00:00    0%       40 s left  start   one: answer",
    ]
    running.shown._look()
    running.done(1)
    # it took nearly no time, and so is the other expected to
    assert re.search(r" +\d+% +\d+ s left  done    one: answer \(0 s\)$", running.look().rstrip())


def test_a_step_that_says_how_long_it_takes_is_believed(running):
    running.shown._look()
    assert running.shown._pace.forecast.left(time.time()) == pytest.approx(110, abs=3)


def test_a_long_step_is_told_of_now_and_then_whatever_else_is_shown(running, monkeypatch):
    running.shown._look()
    running.look()
    step = running.shown._running[1]
    step.told -= 31
    running.shown._look()
    (line,) = running.look().splitlines()
    assert line.endswith("still   one: answer (0 s): responses: 3/10, 5 tokens/s, 90 s left")
    running.shown._look()
    assert running.look() == "" and step.pause == 60


def test_on_a_terminal_one_line_shows_what_runs(running, monkeypatch):
    monkeypatch.setattr(running.shown._status, "works", True)
    monkeypatch.setenv("COLUMNS", "70")
    running.look()
    running.shown._running[1].told -= 1000
    running.shown._look()
    shown = running.look()
    assert shown.startswith("\r\033[K  0:00:00 ") and shown.endswith("left  one: answer (0 s): responses: 3/10, ")
    assert len(shown.removeprefix("\r\033[K")) == 69, "as much as the terminal is wide, less the cursor"
    running.done(1)
    text = running.look()
    assert text.startswith("\r\033[K  0:00:00") and "still" not in text and text.endswith("(0 s)\n")
    running.shown._look()
    assert running.look() == "", "nothing runs"


def test_the_run_watches_by_itself(running, monkeypatch):
    monkeypatch.setattr(running.shown._status, "works", True)
    running.look()
    deadline = time.monotonic() + 20
    while "one: answer" not in running.shown.stream.getvalue() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "one: answer (" in running.look()


def test_without_snakemakes_handler_nothing_is_replaced():
    logger = logging.getLogger("steadfast.tests.plugin")
    assert show_run(logger, "", dry_run=False) is None


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (89, "89 s"), (91, "2 min"), (5_400, "1 h 30 min"), (86_400, "24 h 00 min")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_the_clock():
    assert clock(3_723.9) == "1:02:03"


def test_a_full_disk_that_stops_snakemake_itself_is_told_once(run, log, monkeypatch):
    monkeypatch.setenv("STEADFAST_COMMAND", "make run")
    run.plan(3)
    run.look()
    log.error("OSError: [Errno 28] No space left on device: '.snakemake/metadata/x'\n  File ...")
    log.error("OSError: [Errno 28] No space left on device: '.snakemake/metadata/y'\n  File ...")
    text = run.look()
    assert text.startswith("disk full: ") and text.endswith("Then go on with:\n  make run\n")
    assert text.count("disk full") == 1 and "Errno" not in text


def test_a_lock_is_explained(run, log, monkeypatch):
    monkeypatch.setattr(display, "explain_lock", lambda: "somebody uses it")
    log.error("LockException:\nError: Directory cannot be locked. Please make sure that ...")
    assert run.look() == "somebody uses it\n"


def test_a_step_that_failed_on_a_full_disk_without_a_log(run):
    run.plan(3)
    run.start(4, "raw: train the model", "nowhere/step.log")
    run.failed(4, "nowhere/step.log", "CalledProcessError: Command '...' returned non-zero exit status 74.")
    assert "FAILED  raw: train the model: disk full: " in run.look()
