"""Causes of failed steps, read from their logs."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steadfast.core import disk

TAIL_BYTES = 16_384
TAIL_LINES = 8
# output of tqdm, if a library's progress bar cannot be disabled: `Loading:  42%|████ | 8/19 [00:02<00:03, 3.4it/s]`
BAR = re.compile(r"\d%\|.*\|\s*\S+/\S+ \[|\d+it \[\d")
CAUSES_SHOWN = 5
STEPS_NAMED = 3
# prefix that job.run_job writes before a message to the user
OWN_ERROR = "error: "
DISK_FULL = "disk full: "
TRACEBACK = "Traceback (most recent call last):"
DEATHS = {
    "SIGKILL": "killed (SIGKILL): most often the machine ran out of memory",
    "SIGTERM": "stopped from outside (SIGTERM)",
    "SIGSEGV": "crashed (SIGSEGV) in compiled code",
}


@dataclass(frozen=True)
class FailedStep:
    """A step that failed.

    Attributes:
        step: human-readable name of the step.
        cause: one sentence, or several lines.
        log: path of its log; empty if none was written.
        tail: the log's last lines before the cause.
    """

    step: str
    cause: str
    log: str = ""
    tail: tuple[str, ...] = ()


def explain(step: str, logs: Sequence[str], message: str, *, since: float) -> FailedStep:
    """Find the cause of a failure.

    Args:
        step: human-readable name of the step.
        logs: its log and, on a cluster, the scheduler's.
        message: message of Snakemake or the scheduler.
        since: start of the step, in seconds since the epoch; older logs belong to an earlier run.
    """
    found = explained_by(step, logs, since=since)
    if found:
        return found
    log = next((log for log in logs if _is_newer(Path(log), since)), "")
    return FailedStep(
        step,
        _in_words(message, log or next(iter(logs), ".")),
        log,
        tuple(_last_lines(Path(log))[-TAIL_LINES:] if log else ()),
    )


def explained_by(step: str, logs: Sequence[str], *, since: float) -> FailedStep | None:
    """Read the cause of a failure from the first log that contains one; None if there is none.

    Args:
        step: human-readable name of the step.
        logs: its log and, on a cluster, the scheduler's.
        since: start of the step, in seconds since the epoch; older logs belong to an earlier run.
    """
    for log in logs:
        lines = _last_lines(Path(log)) if _is_newer(Path(log), since) else []
        start, cause = _cause_in(lines)
        if cause:
            if disk.says_full(cause) and not cause.startswith(DISK_FULL):
                cause = disk.message(log)
            return FailedStep(step, cause, log, tuple(lines[max(start - TAIL_LINES, 0) : start]))
    return None


def describe(failures: Sequence[FailedStep]) -> list[str]:
    """Lines about the failures, grouped by cause."""
    by_cause: dict[str, list[FailedStep]] = defaultdict(list)
    for failure in failures:
        # what is free and what takes most space changes from one to the next
        by_cause[DISK_FULL if failure.cause.startswith(DISK_FULL) else failure.cause].append(failure)
    lines = []
    for alike in list(by_cause.values())[:CAUSES_SHOWN]:
        names = [failure.step for failure in alike]
        more = f" and {len(names) - STEPS_NAMED} more" if len(names) > STEPS_NAMED else ""
        first, *rest = alike[0].cause.splitlines()
        lines += [
            "",
            "; ".join(names[:STEPS_NAMED]) + more,
            f"  cause: {first}",
            *(f"         {line}" for line in rest),
        ]
        if alike[0].log:
            lines.append(f"  log:   {alike[0].log}")
            lines += [f"         | {line}" for line in alike[0].tail]
    if len(by_cause) > CAUSES_SHOWN:
        lines += ["", f"... and {len(by_cause) - CAUSES_SHOWN} more causes; every step's log is below results/logs"]
    return lines


def last_line(log: str) -> str:
    """The last line of a log with text that is not a library's progress bar; empty if there is none."""
    lines = reversed(_last_lines(Path(log)))
    return next((line for line in lines if not BAR.search(line)), "")


def _cause_in(lines: Sequence[str]) -> tuple[int, str]:
    """Index of the line where the cause begins, and the cause; empty if there is none."""
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].startswith(OWN_ERROR):
            return index, "\n".join(lines[index:]).removeprefix(OWN_ERROR)
        if lines[index] == TRACEBACK:
            # the frames are indented; the exception follows them
            start = next((later for later in range(index + 1, len(lines)) if lines[later][0] != " "), len(lines) - 1)
            return start, "\n".join(lines[start:][:TAIL_LINES]).strip()
    return len(lines), ""


def _in_words(message: str, log: str) -> str:
    """What Snakemake or a scheduler reports of a failure, shortened; ``log`` is where the step reports it."""
    death = re.search(r"died with <Signals\.(\w+)", message)
    if death:
        return DEATHS.get(death[1], f"ended by {death[1]}")
    status = re.search(r"returned non-zero exit status (\d+)", message)
    if disk.says_full(message) or (status and int(status[1]) == disk.STATUS):
        return disk.message(log)
    if status:
        return f"ended with status {status[1]} before it could write to its log; its output is above"
    lines = [line for line in message.splitlines() if line.strip()]
    return "\n".join(lines[:TAIL_LINES]) or "unknown; nothing was logged"


def _is_newer(log: Path, since: float) -> bool:
    # file systems may round times down to the second
    return log.is_file() and log.stat().st_mtime >= since - 1


def _last_lines(log: Path) -> list[str]:
    """Last non-empty lines of a log, without terminal control sequences."""
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - TAIL_BYTES, 0))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    # a progress bar goes back to the start of its line: only its final content counts
    lines = [line.rstrip().rpartition("\r")[2] for line in text.split("\n")]
    return ["".join(sign if sign.isprintable() else "·" for sign in line) for line in lines if line.strip()]
