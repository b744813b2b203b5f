"""What the display makes of Snakemake's records."""

import io
import logging
import re
import time
from types import SimpleNamespace

import pytest

from steadfast.core.progress import duration
from steadfast.runs.estimates.forecast import Forecast, PlannedStep
from steadfast.runs.terminal import display
from steadfast.runs.terminal.display import RunDisplay
from steadfast.runs.terminal.screen import Lines
from steadfast.runs.terminal.words import clock, in_words, reason_in_words


class Shown(logging.Handler):
    """Hands records to a display that writes into a log."""

    def __init__(self, *, dry_run=False):
        super().__init__()
        self.stream = io.StringIO()
        self.display = RunDisplay(Lines(self.stream), self.format, dry_run=dry_run)
        self.display.title = "2 models"

    def emit(self, record):
        self.display.take(record)


@pytest.fixture
def log(request):
    """A logger as Snakemake sets it up, of its own."""
    logger = logging.getLogger(f"steadfast.tests.{request.node.name}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield logger
    logger.handlers.clear()


@pytest.fixture
def run(log):
    """Functions that log what Snakemake logs of a run, and what was shown since the last look."""
    handler = Shown()
    log.addHandler(handler)

    class Run:
        display = handler.display

        def event(self, name, **fields):
            log.info(None, extra={"event": name, **fields})

        def plan(self, total):
            self.event("run_info", stats={"total": total + 1, "train": total, "all": 1})

        def start(self, job, words, logfile="nowhere.log", reason="", indent=False):
            wildcards = {"model": "raw"}
            fields = {"rule_name": "train", "rule_msg": words, "reason": reason, "wildcards": wildcards}
            self.event("job_info", jobid=job, log=[logfile], indent=indent, **fields)

        def done(self, job):
            self.event("job_finished", job_id=job)

        def failed(self, job, logfile="nowhere.log", said=None, indent=False):
            log.error("Error", extra={"event": "job_error", **self.error(job, logfile, said, indent)})

        def exception(self, name, text=""):
            log.error(text or name, extra={"event": "error", "exception": name})

        def end(self, *, succeeded):
            self.event("steadfast_end", succeeded=succeeded)

        @staticmethod
        def error(job, logfile, said=None, indent=True):
            return {"rule_name": "train", "jobid": job, "log": [logfile], "rule_msg": said, "indent": indent}

        def look(self):
            text = handler.stream.getvalue()
            handler.stream.seek(0)
            handler.stream.truncate()
            return text

    return Run()


def test_log_gets_a_line_per_finished_step(run):
    run.plan(3)
    run.start(4, "raw: train the model")
    run.done(4)
    assert run.look() == (
        "2 models\n3 steps to do; their logs are in results/logs\n  0:00:00   33%  done    raw: train the model (0 s)\n"
    )


def test_comparison_of_runs_does_not_name_the_grid(run):
    run.event("run_info", stats={"total": 1, "compare_runs": 1})
    assert run.look() == "1 step to do; its log is in results/logs\n"


def test_rule_without_message_is_shown_by_name():
    assert in_words("find_it", {"model": "raw", "variant": "original"}) == "find it: raw, original"
    assert in_words("find_it", {}) == "find it"


def test_snakemake_chatter_is_hidden(run, log):
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


def test_finished_run_ends_at_100_percent(run):
    """The target counts as a step for Snakemake, and is none."""
    run.plan(1)
    run.start(1, "one")
    run.done(1)
    run.event("job_info", rule_name="all", rule_msg=None, reason="", wildcards={}, jobid=0, log=[], indent=False)
    run.done(0)
    assert run.look().splitlines()[-1] == "  0:00:00  100%  done    one (0 s)"
    run.end(succeeded=True)
    assert run.look() == "1 step done in 0 s\n"


def test_failure_is_reported_at_once_and_at_the_end(run, log, tmp_path, monkeypatch):
    monkeypatch.setenv("STEADFAST_COMMAND", "make run")
    run.plan(4)
    for job, name in ((1, "raw"), (2, "score0")):
        run.start(job, f"{name}: train the model", str(tmp_path / "raw.log"))
    (tmp_path / "raw.log").write_text("step 1\nerror: no data\n")
    run.done(2)
    run.exception("RuleException", "RuleException:\nCalledProcessError in file a.smk, line 1")
    run.failed(1, str(tmp_path / "raw.log"))
    assert run.look().splitlines()[-1] == "  0:00:00   25%  FAILED  raw: train the model: no data"
    log.error("Exiting because a job execution failed. Look above for error messages")
    run.end(succeeded=False)
    assert (
        run.look()
        == f"""
1 of 4 steps failed, and 2 that depend on them did not start.

raw: train the model
  cause: no data
  log:   {tmp_path / "raw.log"}
         | step 1

1 of 4 steps done; finished results are kept. Fix the cause, then resume with:
  make run
"""
    )


def test_each_failure_shows_its_own_snakemake_error(run, log):
    run.plan(2)
    run.start(1, "one")
    run.start(2, "two")
    for signal in ("SIGKILL: 9", "SIGTERM: 15"):
        run.exception("RuleException", f"RuleException:\nCalledProcessError: Command died with <Signals.{signal}>.")
    run.failed(1)
    run.failed(2)
    first, second = run.look().splitlines()[-2:]
    assert "one: killed (SIGKILL)" in first and "two: stopped from outside (SIGTERM)" in second


def test_other_snakemake_error_is_shown_as_the_cause(run, log):
    run.plan(1)
    run.start(1, "one")
    run.exception("MissingOutputException", "MissingOutputException: a file")
    run.failed(1)
    assert run.look().splitlines()[-2:] == [
        "MissingOutputException: a file",
        "  0:00:00    0%  FAILED  one: MissingOutputException: a file",
    ]


def test_retried_step_is_not_a_failure(run, log):
    run.plan(1)
    run.start(1, "one")
    run.failed(1, said="out of time")
    log.info("Trying to restart job 1.")
    assert run.look().splitlines()[-1] == "  0:00:00    0%  again   one"
    assert not run.display.failures


def test_failing_step_of_a_job_group_is_named(run, log, tmp_path):
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
    assert [failure.step for failure in run.display.failures.values()] == ["step 1"]
    assert run.look().splitlines()[-1] == "  0:00:00    0%  FAILED  step 1: no data"


@pytest.mark.parametrize(
    "words", ["Terminating processes on user request, ...", "Will exit after finishing currently ..."]
)
def test_interruption_is_not_reported_as_failure(run, log, monkeypatch, words):
    monkeypatch.setenv("STEADFAST_COMMAND", "make run")
    run.plan(2)
    run.start(1, "one")
    run.look()
    log.info(words.replace("currently ...", "currently running jobs (scheduler)."))
    log.info(words.replace("currently ...", "currently running jobs (scheduler)."))
    run.failed(1)
    run.end(succeeded=False)
    assert run.look() == (
        "\nInterrupted; waiting for the running steps to stop ...\n"
        "\nInterrupted: 0 of 2 steps done; finished results are kept. To resume:\n  make run\n"
    )


def test_no_status_is_shown_after_the_end(run):
    """Steps that an interruption ended are not all reported as failed."""
    shown = []
    run.display._screen = SimpleNamespace(is_live=True, write=print, show=lambda *_: shown.append(1), end=print)
    run.plan(1)
    run.start(1, "one")
    run.display.look()
    run.end(succeeded=False)
    run.display.look()
    assert shown == [1]


def test_dry_run_lists_reasons(log):
    shown = Shown(dry_run=True)
    log.addHandler(shown)
    stats = {"event": "run_info", "stats": {"total": 1}}
    log.info(None, extra=stats)
    reason = "Params have changed since last execution: a; Input files updated by another job: b"
    fields = {"rule_name": "train", "rule_msg": "train", "wildcards": {}, "jobid": 1, "log": []}
    log.info(None, extra={"event": "job_info", "reason": reason, **fields})
    log.info(None, extra=stats)
    assert shown.stream.getvalue() == (
        "2 models\nA run would take these steps:\n  settings or code changed        train\n1 step in all\n"
    )


def test_snakemake_reasons_are_translated():
    assert reason_in_words("Missing output files: a; Input files updated by another job: b") == "no result yet"
    assert reason_in_words("Rules with neither input nor output files are always executed.") == "always made"


@pytest.fixture
def running(run, log, tmp_path):
    """A run with one step, whose log says how far it is."""
    (tmp_path / "one.log").write_text("responses: 3/10, 5 tokens/s, 90 s left\n")
    forecast = Forecast({1: PlannedStep("answer", lambda: 20.0), 2: PlannedStep("judge", lambda: 20.0, needs=[1])}, 2)
    run.plan(3)
    log.info("  time      about 40 s", extra={"event": "steadfast_forecast", "forecast": forecast})
    run.start(1, "one: answer", str(tmp_path / "one.log"))
    return run


def test_forecast_counts_expected_seconds_and_shows_time_left(running):
    assert running.look().splitlines()[2:] == ["  time      about 40 s"]
    running.display.look()
    running.done(1)
    # it took nearly no time, and so is the other expected to
    assert re.search(r" +\d+% +\d+ s left  done    one: answer \(0 s\)$", running.look().rstrip())


def test_time_left_reported_by_a_step_is_used(running):
    running.display.look()
    assert running.display._pace.forecast.left(time.time()) == pytest.approx(110, abs=3)


def test_log_reports_on_a_long_step_at_intervals(running):
    running.display.look()
    running.look()
    step = running.display._running[1]
    step.reported -= 31
    running.display.look()
    (line,) = running.look().splitlines()
    assert line.endswith("still   one: answer (0 s): responses: 3/10, 5 tokens/s, 90 s left")
    running.display.look()
    assert running.look() == "" and step.pause == 60


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (89, "89 s"), (91, "2 min"), (5_400, "1 h 30 min"), (86_400, "24 h 00 min")]
)
def test_durations_are_rounded(seconds, words):
    assert duration(seconds) == words


def test_clock_shows_hours_minutes_and_seconds():
    assert clock(3_723.9) == "1:02:03"


def test_full_disk_stopping_snakemake_is_reported_once(run, log, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # the largest folders are looked for here
    monkeypatch.setenv("STEADFAST_COMMAND", "make run")
    run.plan(3)
    run.look()
    log.error("OSError: [Errno 28] No space left on device: '.snakemake/metadata/x'\n  File ...")
    log.error("OSError: [Errno 28] No space left on device: '.snakemake/metadata/y'\n  File ...")
    text = run.look()
    assert text.startswith("disk full: ") and text.endswith("Then resume with:\n  make run\n")
    assert text.count("disk full") == 1 and "Errno" not in text


def test_locked_folder_is_explained(run, log, monkeypatch):
    monkeypatch.setattr(display, "explain_lock", lambda: "somebody uses it")
    run.exception("LockException", "LockException:\nError: Directory cannot be locked. Please make sure that ...")
    assert run.look() == "somebody uses it\n"


def test_step_without_log_on_full_disk_is_explained(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    run.plan(3)
    run.start(4, "raw: train the model", "nowhere/step.log")
    run.failed(4, "nowhere/step.log", "CalledProcessError: Command '...' returned non-zero exit status 74.")
    assert "FAILED  raw: train the model: disk full: " in run.look()
