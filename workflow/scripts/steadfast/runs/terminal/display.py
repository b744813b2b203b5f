"""The display of a run: a line per step, in words of the study, in place of Snakemake's blocks.

Snakemake reports on jobs as log records, and shows them through a handler of Python's logging. Here that handler is
replaced; Snakemake's own log file below .snakemake/log keeps every detail.
"""

import logging
import re
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from steadfast.core import disk
from steadfast.core.command import run_command
from steadfast.core.progress import duration, seconds_left
from steadfast.runs.estimates.forecast import Forecast
from steadfast.runs.lock import LOCKED_MESSAGE, explain_lock
from steadfast.runs.terminal.failures import Failure, describe, explain, explained_by, last_line
from steadfast.runs.terminal.pace import Pace
from steadfast.runs.terminal.status import StatusLine
from steadfast.runs.terminal.words import in_words, reason_in_words, steps

SNAKEMAKES = "DefaultStreamHandler"
TARGET = "all"
# seconds until a running step is told of, where there is no status line; the pause doubles, up to the second number
PAUSE = 30.0, 900.0
# seconds between two looks at the logs of the running steps, and for which the status line shows one of them
LOOK_SECONDS, TURN_SECONDS = 2.0, 4.0
# Snakemake's remarks on itself that say nothing about the study
CHATTER = (
    "Using workflow specific profile",
    "Assuming unrestricted shared filesystem usage",
    "Building DAG of jobs",
    "Using shell:",
    "Group jobs: inactive",
    "Conda environments: ignored",
    "Singularity containers: ignored",
    "Select jobs to execute",
    "Elapsed time:",
    "Exiting because a job execution failed",
    "WorkflowError:\nAt least one job did not complete successfully",
    "Reasons:\n",
    "Some jobs were triggered by provenance information",
    "Rules with provenance triggered jobs",
)
# of Ctrl-C, and of SIGTERM, after which running steps come to their end
INTERRUPTIONS = ("Terminating processes on user request", "Will exit after finishing currently running jobs")
SUBMITTED = re.compile(r"Job \d+ has been submitted with ")
EVENTS_LEFT_OUT = frozenset({"workflow_started", "resources_info", "job_started", "shellcmd", "group_info", "progress"})
RED, YELLOW, DIM, RESET = "\033[31m", "\033[33m", "\033[2m", "\033[0m"


@dataclass
class Step:
    """A step that has begun.

    Attributes:
        words: what it does, in words of the study.
        began: seconds since the epoch.
        log: path of its log, empty if it has none.
        told: when a line was last shown of it.
        pause: seconds until the next one.
        said: the last line of its log.
    """

    words: str
    began: float
    log: str
    told: float = 0.0
    pause: float = PAUSE[0]
    said: str = ""


class RunDisplay(logging.StreamHandler[TextIO]):
    """Shows the records of a run.

    Args:
        replaced: Snakemake's handler; its stream, filters and formatter are taken over.
        title: the grid in a few words, shown when the run begins.
        dry_run: whether steps are only listed.
    """

    def __init__(self, replaced: "logging.StreamHandler[TextIO]", title: str, *, dry_run: bool) -> None:
        super().__init__(replaced.stream)
        self.name = SNAKEMAKES
        self.failures: dict[int, Failure] = {}
        self._plain = replaced.formatter or logging.Formatter()
        self._colors = not getattr(replaced, "nocolor", True)
        self._title, self._dry_run = title, dry_run
        self._running: dict[int, Step] = {}
        self._told: deque[str] = deque()
        self._pace = Pace()
        self._interrupted = self._full = False
        self._began = time.time()
        self._status = StatusLine(replaced.stream)
        self._over = threading.Event()
        for each in replaced.filters:
            self.addFilter(each)

    def emit(self, record: logging.LogRecord) -> None:
        """Show what a record says, if it says anything about the study."""
        try:
            for line in self._lines(record):
                self._write(line)
        except BrokenPipeError:
            raise
        except Exception:
            self.handleError(record)

    @property
    def interrupted(self) -> bool:
        """Whether the user or a signal asked the run to end."""
        return self._interrupted

    def foresee(self, forecast: Forecast, lines: Iterable[str]) -> None:
        """Take over what is expected of the run, and show its outlook.

        Args:
            forecast: of the run's steps, by their numbers.
            lines: the outlook.
        """
        self.acquire()
        try:
            self._pace.forecast = forecast
            for line in lines:
                self._write(line)
        finally:
            self.release()

    def finish(self) -> None:
        """Say why the run ended before its end, and how to go on."""
        self.acquire()
        try:
            for line in self._ending():
                self._write(line)
        finally:
            self.release()

    def close(self) -> None:
        """Stop watching."""
        self._over.set()
        with suppress(OSError, ValueError):  # the stream may be closed already
            self._status.clear()
        super().close()

    def _lines(self, record: logging.LogRecord) -> Iterator[str]:
        event = str(getattr(record, "event", None) or "")
        told: Any = record.__dict__
        match event:
            case "run_info":
                yield from self._plan(told)
            case "job_info":
                yield from self._start(told)
            case "job_finished":
                yield from self._finished(told["job_id"])
            case "job_error" if not told["indent"]:
                yield from self._failed(told["jobid"], told["log"], str(told["rule_msg"] or ""))
            case "group_error":
                yield from self._group_failed(told)
            case "error":
                # comes right before the error of the job, and does not name it
                self._told.append(record.getMessage())
                if "CalledProcessError" not in record.getMessage():
                    yield from self._remark(record)
            case _ if event not in EVENTS_LEFT_OUT and event != "job_error":
                yield from self._remark(record)

    def _plan(self, told: Any) -> Iterator[str]:
        total = int(told["stats"]["total"])
        if self._dry_run and not self._pace.total:
            yield f"{self._title}\nA run would take these steps:"
        elif self._dry_run:
            yield f"{steps(total)} in all"
        else:
            yield f"{self._title}\n{steps(total)} to do; their logs are in results/logs"
            threading.Thread(target=self._watch, daemon=True).start()
        self._pace.total = total

    def _start(self, told: Any) -> Iterator[str]:
        words = told["rule_msg"] or in_words(told["rule_name"], told["wildcards"])
        if told["rule_name"] == TARGET:
            return
        now = time.time()
        self._running[told["jobid"]] = Step(words, now, next(iter(told["log"]), ""), told=now)
        self._pace.start(told["jobid"])
        if self._dry_run:
            yield f"  {reason_in_words(told['reason']):<30}  {words}"
        else:
            yield self._line("start", words, DIM)

    def _finished(self, job: int) -> Iterator[str]:
        self._pace.done += 1
        step = self._running.pop(job, None)
        self._pace.end(job)
        if step and not self._dry_run:
            yield self._line("done", f"{step.words} ({duration(time.time() - step.began)})")

    def _failed(self, job: int, logs: list[str], told: str) -> Iterator[str]:
        step = self._step(job)
        self._running.pop(job, None)
        self._pace.end(job)
        told = told or (self._told.popleft() if self._told else "")
        failure = explain(step.words, logs, told, since=step.began)
        self.failures[job] = failure
        if not self._interrupted:
            yield self._line("FAILED", f"{step.words}: {failure.cause.splitlines()[0]}", RED)

    def _group_failed(self, told: Any) -> Iterator[str]:
        """Of several steps in one allocation those have failed whose log says so, or else the allocation has."""
        jobs = told["job_error_info"]
        guilty = [info for info in jobs if explained_by("", info["log"], since=self._step(info["jobid"]).began)]
        for info in guilty or jobs[:1]:
            yield from self._failed(info["jobid"], [*info["log"], *told["aux_logs"]], str(told["msg"] or ""))
        for info in jobs:
            self._running.pop(info["jobid"], None)

    def _step(self, job: int) -> Step:
        return self._running.get(job) or Step(f"step {job}", self._began, "")

    def _remark(self, record: logging.LogRecord) -> Iterator[str]:
        text = self._plain.format(record)
        again = re.fullmatch(r"Trying to restart job (\d+)\.", text)
        if text.startswith(INTERRUPTIONS):
            if not self._interrupted:
                yield "\nInterrupted; waiting for the running steps to stop ..."
            self._interrupted = True
        elif disk.says_full(text):
            if not self._full:
                yield self._colored(f"{disk.message('.')}\nThen go on with:\n  {run_command()}", RED)
            self._full = True
        elif LOCKED_MESSAGE in text:
            yield self._colored(explain_lock(), RED)
        elif again:
            failure = self.failures.pop(int(again[1]), None)
            yield self._line("again", failure.step if failure else f"step {again[1]}")
        elif text and not text.startswith(CHATTER) and not SUBMITTED.match(text):
            colors = {logging.WARNING: YELLOW, logging.ERROR: RED, logging.CRITICAL: RED}
            yield self._colored(text, colors.get(record.levelno, ""))

    def _ending(self) -> Iterator[str]:
        left = self._pace.total - self._pace.done
        kept = f"{self._pace.done} of {steps(self._pace.total)} done, and what was made is kept"
        if self._interrupted:
            yield f"\nInterrupted: {kept}. To go on:"
        else:
            failed = len(self.failures)
            waiting = f", and {left - failed} that need what they make did not start" if left > failed else ""
            yield self._colored(f"\n{failed} of {steps(self._pace.total)} failed{waiting}.", RED)
            yield from describe(list(self.failures.values()))
            yield f"\n{kept}. When the cause is removed, go on with:"
        yield f"  {run_command()}"

    def _line(self, verb: str, what: str, color: str = "") -> str:
        return self._colored(f"{self._pace.words()}  {verb:<6}  {what}", color)

    def _colored(self, text: str, color: str) -> str:
        return f"{color}{text}{RESET}" if self._colors and color else text

    def _write(self, line: str) -> None:
        self._status.clear()
        self.stream.write(f"{line}\n")
        self.flush()

    def _watch(self) -> None:
        """Show how far the running steps are, as their logs say: in the status line, or now and then in a line."""
        while not self._over.wait(LOOK_SECONDS):
            self.acquire()
            try:
                self._look()
            finally:
                self.release()

    def _look(self) -> None:
        now = time.time()
        for number, step in self._running.items():
            step.said = last_line(step.log)
            left = seconds_left(step.said)
            if left is not None:
                with suppress(OSError):
                    self._pace.tell(number, Path(step.log).stat().st_mtime + left)
            if not self._status.works and now - step.told >= step.pause:
                step.told, step.pause = now, min(2 * step.pause, PAUSE[1])
                self._write(self._line("still", self._how_far(step, now), DIM))
        if self._running:
            steps = list(self._running.values())
            shown = steps[int(now / TURN_SECONDS) % len(steps)]
            self._status.show(f"{self._pace.words()}  {self._how_far(shown, now)}")

    @staticmethod
    def _how_far(step: Step, now: float) -> str:
        what = f"{step.words} ({duration(now - step.began)})"
        return f"{what}: {step.said}" if step.said else what


def show_run(logger: logging.Logger, title: str, *, dry_run: bool) -> RunDisplay | None:
    """Replace Snakemake's handler by the display; None where it is not there, as with a logger plugin.

    Args:
        logger: Snakemake's logger.
        title: the grid in a few words.
        dry_run: whether steps are only listed.
    """
    for handler in logger.handlers:
        if handler.name == SNAKEMAKES and isinstance(handler, logging.StreamHandler):
            # the disk may be full that Snakemake's own log is on; Python would show a traceback for every line of it
            logging.raiseExceptions = False
            display = RunDisplay(handler, title, dry_run=dry_run)
            logger.removeHandler(handler)
            logger.addHandler(display)
            return display
    return None
