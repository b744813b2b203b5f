"""A supervised child process: its output goes to the job's log, and all its processes end with the job."""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

SUPERVISOR = Path(__file__).with_name("supervisor.py")
TAIL_LINES = 60
STOP_SECONDS = 40.0


class SupervisedProcess:
    """A running command, created by ``supervised``."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._reader = threading.Thread(target=self._copy_output, daemon=True)
        self._reader.start()

    @property
    def stdin(self) -> IO[str]:
        """Standard input of the command."""
        assert self._process.stdin is not None
        return self._process.stdin

    def poll(self) -> int | None:
        """Exit status, or None while the command runs."""
        return self._process.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit status."""
        return self._process.wait(timeout)

    def tail(self) -> str:
        """The last lines that the command printed; complete once it has ended."""
        if self._process.poll() is not None:
            self._reader.join(timeout=2.0)
        return "\n".join(list(self._lines))

    def _copy_output(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line.rstrip("\n"))
            print(line, end="", file=sys.stdout, flush=True)


@contextmanager
def supervised(
    command: Sequence[str], *, environment: Mapping[str, str], descriptors: Sequence[int] = ()
) -> Iterator[SupervisedProcess]:
    """Context in which a command runs; on exit it and all its descendants have ended.

    They also end if this process is killed, even by SIGKILL (``steadfast.generation.serving.supervisor``).

    Args:
        command: program and arguments.
        environment: all environment variables of the command.
        descriptors: file descriptors that the command inherits; they are closed here.
    """
    lifeline, held = os.pipe()
    passed = ",".join(map(str, descriptors)) or "-"
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", str(SUPERVISOR), str(lifeline), passed, *command],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(lifeline, *descriptors),
            start_new_session=True,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except BaseException:
        os.close(held)
        raise
    finally:
        for descriptor in (lifeline, *descriptors):
            os.close(descriptor)
    try:
        yield SupervisedProcess(process)
    finally:
        os.close(held)
        _await_end(process)


def _await_end(process: "subprocess.Popen[str]") -> None:
    """Wait for the supervisor to clean up, which it does within its own timeout."""
    deadline = time.monotonic() + STOP_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
