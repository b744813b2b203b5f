"""Wrapper of every script: log, clear errors, provenance."""

import io
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TextIO

from steadfast.core import disk
from steadfast.core.errors import SteadfastError
from steadfast.core.files import remove_abandoned
from steadfast.core.gpus import claimed_gpus
from steadfast.core.integrity import remove_records, require_as_made, require_unchanged
from steadfast.core.provenance import write_provenance
from steadfast.core.termination import Stopped, stoppable


class Job(Protocol):
    """The used part of Snakemake's ``snakemake`` object."""

    input: Any
    output: Any
    params: Any
    log: Any
    resources: Any
    threads: Any
    rule: str


@contextmanager
def run_job(job: Job) -> Iterator[Callable[[str], None]]:
    """Run a script's work: send everything printed to the rule's log, and write provenance on success.

    Before the work, incomplete outputs of a killed run are removed, and the inputs are compared with their records.

    A ``SteadfastError`` ends the job with its message in the log, any other exception with its traceback there. The
    display of the run (``steadfast.runs.terminal``) reads the cause from the log. A termination signal, and the end of
    the run that started the job, end it in the same way. The resource ``gpu`` is the number of GPUs visible to the
    work.

    Yields:
        A function that shows a text on the terminal, for the few jobs that need it.
    """
    start = time.monotonic()
    with _output_to(str(job.log[0])) as terminal:
        try:
            with stoppable():
                remove_abandoned(job.output)
                seen = require_as_made(_existing(job.input))
                remove_records(job.output)
                with claimed_gpus(job.resources.get("gpu", 0)):
                    yield lambda text: print(text, file=terminal, flush=True)
                require_unchanged(seen)
                write_provenance(
                    list(job.output),
                    inputs={path: found.sha256 for path, found in seen.items()},
                    params=dict(job.params.items()),
                    rule=job.rule,
                    seconds=time.monotonic() - start,
                    threads=job.threads,
                )
        except SteadfastError as error:
            raise SystemExit(
                _report_failure(str(error), terminal, disk.cause_of(error, [*job.output, *job.log]))
            ) from None
        except Stopped as stopped:
            _report_failure(str(stopped), terminal)
            raise SystemExit(stopped.status) from None
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr, flush=True)
            raise SystemExit(130) from None
        except Exception as error:
            full = disk.cause_of(error, [*job.output, *job.log])
            with suppress(OSError):
                traceback.print_exc()
            if full:
                raise SystemExit(_report_failure(full, terminal, full)) from None
            raise SystemExit(1) from error


def _report_failure(cause: str, terminal: TextIO, full: str = "") -> int:
    """Write the cause of a failure to the log, or to the terminal if that is impossible.

    Args:
        cause: message to the user.
        terminal: the former standard error.
        full: message to the user about a full disk instead, if it is the cause.

    Returns:
        The exit status.
    """
    text = f"error: {full or cause}"
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        print(text, file=terminal, flush=True)
    return disk.STATUS if full else 1


def _existing(inputs: Any) -> list[str]:
    return [str(path) for path in inputs if Path(path).exists()]


@contextmanager
def _output_to(log: str) -> Iterator[TextIO]:
    """Send file descriptors 1 and 2 to ``log``, and yield the former standard error."""
    _flush()
    saved = os.dup(1), os.dup(2)
    with open(os.dup(saved[1]), "w", encoding="utf-8", errors="replace") as terminal:
        try:
            Path(log).parent.mkdir(parents=True, exist_ok=True)
            target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        except OSError as error:
            cause = f"the log {log} cannot be written: {error.strerror}"
            raise SystemExit(_report_failure(cause, terminal, disk.cause_of(error, [log]))) from None
        os.dup2(target, 1)
        os.dup2(target, 2)
        os.close(target)
        try:
            with _any_text():
                yield terminal
        finally:
            _flush()
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)
            os.close(saved[0])
            os.close(saved[1])


@contextmanager
def _any_text() -> Iterator[None]:
    """Write logs as UTF-8, regardless of the locale."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)]
    before = [(stream.encoding, stream.errors) for stream in streams]
    for stream in streams:
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        yield
    finally:
        for stream, (encoding, errors) in zip(streams, before, strict=True):
            # it flushes first, which fails on a full disk
            with suppress(OSError):
                stream.reconfigure(encoding=encoding, errors=errors)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
