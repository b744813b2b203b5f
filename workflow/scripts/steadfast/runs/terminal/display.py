"""Display of a run, from the events of Snakemake's log records.

On a terminal, a block at the bottom shows the running steps, the progress and the remaining time, with warnings and
failures above it. A log or a pipe gets a line per finished step instead. Snakemake's log file in .snakemake/log has all
details.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadfast.core import disk
from steadfast.core.command import run_command
from steadfast.core.progress import duration, seconds_left
from steadfast.runs.lock import explain_lock
from steadfast.runs.terminal.failures import FailedStep, describe, explain, explained_by, last_line
from steadfast.runs.terminal.pace import Pace
from steadfast.runs.terminal.remarks import COMMAND_FAILED, INTERRUPTIONS, is_chatter, retried_job
from steadfast.runs.terminal.screen import Screen
from steadfast.runs.terminal.status import RunningStep
from steadfast.runs.terminal.words import in_words, reason_in_words, steps
from steadfast.runs.workflow import TARGET

# seconds between lines about a running step in a log; the pause doubles up to the second value
PAUSE = 30.0, 900.0
# additional events, next to Snakemake's
FORECAST, END = "steadfast_forecast", "steadfast_end"
EVENTS_LEFT_OUT = frozenset(
    {"workflow_started", "resources_info", "job_started", "shellcmd", "group_info", "progress", "rulegraph"}
)
BESIDE_THE_GRID = frozenset({"compare_runs"})
"""Rules that do not concern the models and judges of the configuration, which are then not named."""
LEVELS = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}
Line = tuple[str, str]


@dataclass
class Step:
    """A running step.

    Attributes:
        words: human-readable description.
        began: seconds since the epoch.
        log: path of its log, empty if it has none.
        reported: time of its last line in the log.
        pause: seconds until the next line.
        note: the last line of its log.
    """

    words: str
    began: float
    log: str
    reported: float = 0.0
    pause: float = PAUSE[0]
    note: str = ""


class RunDisplay:
    """Shows a run.

    Attributes:
        title: the grid in a few words, shown when the run begins.
        failures: failed steps by number of the job.
        interrupted: whether the user or a signal asked the run to end.

    Args:
        screen: where it is shown.
        text_of: a record as Snakemake itself would show it.
        dry_run: whether steps are only listed.
    """

    def __init__(self, screen: Screen, text_of: Callable[[logging.LogRecord], str], *, dry_run: bool) -> None:
        self.title = ""
        self.failures: dict[int, FailedStep] = {}
        self.interrupted = False
        self._screen, self._text_of, self._dry_run = screen, text_of, dry_run
        self._running: dict[int, Step] = {}
        self._targets: set[int] = set()
        self._errors: deque[str] = deque()
        self._pace = Pace()
        self._full = False
        self._began = time.time()
        self._events: dict[str, Callable[[Any], Iterator[Line]]] = {
            "run_info": self._plan,
            "job_info": self._start,
            "job_finished": self._finished,
            "job_error": self._failed_job,
            "group_error": self._failed_group,
            "error": self._error,
            FORECAST: self._forecast,
            END: self._end,
        }

    def take(self, record: logging.LogRecord) -> None:
        """Show a record, if it concerns the study."""
        event = str(getattr(record, "event", None) or "")
        if event in EVENTS_LEFT_OUT:
            return
        for text, style in self._events.get(event, self._remark)(record):
            self._screen.write(text, style)

    def look(self) -> None:
        """Read the progress of the running steps from their logs, and show it."""
        now = time.time()
        for number, step in self._running.items():
            step.note = last_line(step.log)
            left = seconds_left(step.note)
            if left is not None:
                with suppress(OSError):
                    self._pace.set_end(number, Path(step.log).stat().st_mtime + left)
            if not self._screen.is_live and now - step.reported >= step.pause:
                step.reported, step.pause = now, min(2 * step.pause, PAUSE[1])
                note = f": {step.note}" if step.note else ""
                self._screen.write(self._line("still", f"{step.words} ({duration(now - step.began)}){note}"))
        if self._running:
            rows = [RunningStep(step.words, now - step.began, step.note) for step in self._running.values()]
            self._screen.show(rows, self._pace.position())

    def close(self) -> None:
        """Remove the status block."""
        self._screen.end()

    def _plan(self, record: Any) -> Iterator[Line]:
        # Snakemake counts the target as a step, though it does nothing
        total = int(record.stats["total"]) - int(record.stats.get(TARGET, 0))
        rules = set(record.stats) - {"total", TARGET}
        title = "" if rules and rules <= BESIDE_THE_GRID else f"{self.title}\n"
        if self._dry_run and not self._pace.total:
            yield f"{title}A run would take these steps:", ""
        elif self._dry_run:
            yield f"{steps(total)} in all", ""
        else:
            logs = "its log is" if total == 1 else "their logs are"
            yield f"{title}{steps(total)} to do; {logs} in results/logs", ""
        self._pace.total = total

    def _forecast(self, record: Any) -> Iterator[Line]:
        self._pace.forecast = record.forecast
        yield record.getMessage(), ""

    def _start(self, record: Any) -> Iterator[Line]:
        if record.rule_name == TARGET:
            self._targets.add(record.jobid)
            return
        words = record.rule_msg or in_words(record.rule_name, record.wildcards)
        now = time.time()
        self._running[record.jobid] = Step(words, now, next(iter(record.log), ""), reported=now)
        self._pace.start(record.jobid)
        if self._dry_run:
            yield f"  {reason_in_words(record.reason):<30}  {words}", ""

    def _finished(self, record: Any) -> Iterator[Line]:
        job = record.job_id
        step = self._running.pop(job, None)
        if job in self._targets:
            return
        self._pace.done += 1
        self._pace.end(job)
        if step and not self._dry_run and not self._screen.is_live:
            yield self._line("done", f"{step.words} ({duration(time.time() - step.began)})"), ""

    def _failed_job(self, record: Any) -> Iterator[Line]:
        # errors of a group's jobs are indented, after the error of the group
        if not record.indent:
            yield from self._failed(record.jobid, record.log, str(record.rule_msg or ""))

    def _failed(self, job: int, logs: list[str], message: str) -> Iterator[Line]:
        step = self._step(job)
        self._running.pop(job, None)
        self._pace.end(job)
        message = message or (self._errors.popleft() if self._errors else "")
        failure = explain(step.words, logs, message, since=step.began)
        self.failures[job] = failure
        if not self.interrupted:
            yield self._line("FAILED", f"{step.words}: {failure.cause.splitlines()[0]}"), "red"

    def _failed_group(self, record: Any) -> Iterator[Line]:
        """Failed steps of a group in one allocation: those whose logs say so, or else the whole allocation."""
        jobs = record.job_error_info
        guilty = [info for info in jobs if explained_by("", info["log"], since=self._step(info["jobid"]).began)]
        for info in guilty or jobs[:1]:
            yield from self._failed(info["jobid"], [*info["log"], *record.aux_logs], _error_text(record))
        for info in jobs:
            self._running.pop(info["jobid"], None)

    def _error(self, record: Any) -> Iterator[Line]:
        if record.exception == "LockException":
            yield explain_lock(), "red"
            return
        # comes right before the error of the job, and does not name it
        text = record.getMessage()
        self._errors.append(text)
        if COMMAND_FAILED not in text:
            yield from self._remark(record)

    def _step(self, job: int) -> Step:
        return self._running.get(job) or Step(f"step {job}", self._began, "")

    def _remark(self, record: logging.LogRecord) -> Iterator[Line]:
        text = self._text_of(record)
        again = retried_job(text)
        if text.startswith(INTERRUPTIONS):
            if not self.interrupted:
                yield "\nInterrupted; waiting for the running steps to stop ...", ""
            self.interrupted = True
        elif disk.says_full(text):
            if not self._full:
                yield f"{disk.message('.')}\nThen resume with:\n  {run_command()}", "red"
            self._full = True
        elif again is not None:
            failure = self.failures.pop(again, None)
            yield self._line("again", failure.step if failure else f"step {again}"), ""
        elif not is_chatter(text):
            yield text, LEVELS.get(record.levelno, "")

    def _end(self, record: Any) -> Iterator[Line]:
        """Report the end of the run, or why it stopped and how to resume."""
        self._running.clear()
        self._screen.end()
        if not record.succeeded:
            yield from self._unfinished()
        elif self._pace.total:
            yield f"{steps(self._pace.done)} done in {duration(time.time() - self._began)}", ""

    def _unfinished(self) -> Iterator[Line]:
        left = self._pace.total - self._pace.done
        kept = f"{self._pace.done} of {steps(self._pace.total)} done; finished results are kept"
        if self.interrupted:
            yield f"\nInterrupted: {kept}. To resume:", ""
        else:
            failed = len(self.failures)
            waiting = f", and {left - failed} that depend on them did not start" if left > failed else ""
            yield f"\n{failed} of {steps(self._pace.total)} failed{waiting}.", "red"
            yield from _plain(describe(list(self.failures.values())))
            yield f"\n{kept}. Fix the cause, then resume with:", ""
        yield f"  {run_command()}", ""

    def _line(self, verb: str, what: str) -> str:
        return f"{self._pace.words()}  {verb:<6}  {what}"


def _plain(lines: Iterable[str]) -> Iterator[Line]:
    return ((line, "") for line in lines)


def _error_text(record: Any) -> str:
    message = record.getMessage()
    return "" if message == "None" else str(message)
