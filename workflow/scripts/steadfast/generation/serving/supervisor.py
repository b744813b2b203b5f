"""Runs a command, and ends it with all its descendants as soon as the requesting process is gone.

    python -I supervisor.py LIFELINE PASSED COMMAND...

LIFELINE is the read end of a pipe whose write end only the requesting process holds: it closes when that process closes
it, exits, or is killed in any way. PASSED is a comma-separated list of further file descriptors for the command, or
``-``.

A separate process is needed because vLLM starts processes that start further processes: code inside them does not
survive a SIGKILL, and a parent-death signal reaches only children, not grandchildren. The supervisor leads a separate
session, so that killing the job's process group does not reach it, and it adopts orphans as a subreaper. It imports
only psutil and the standard library, and starts in a few hundredths of a second.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil

GRACE_SECONDS = 5.0
KILL_SECONDS = 20.0
POLL_SECONDS = 0.2
# prctl(2)
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Supervise, and return the command's exit status (128 + signal if one killed it)."""
    lifeline, passed, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    descriptors = [] if passed == "-" else [int(number) for number in passed.split(",")]
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, frame: stopped.append(received))
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        child = subprocess.Popen(command, pass_fds=descriptors, process_group=0, preexec_fn=_die_with_supervisor)
    except OSError as error:
        print(f"cannot run {command[0]}: {error}", file=sys.stderr, flush=True)
        return 127
    for descriptor in descriptors:
        os.close(descriptor)
    while child.poll() is None and not stopped and not select.select([lifeline], [], [], POLL_SECONDS)[0]:
        pass
    if child.poll() is None:
        _end_politely(child)
    _kill_descendants()
    status = child.wait()
    return status if status >= 0 else 128 - status


def _end_politely(child: "subprocess.Popen[bytes]") -> None:
    os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _kill_descendants() -> None:
    """Kill repeatedly, since a process may start another one while it is being killed."""
    supervisor = psutil.Process()
    deadline = time.monotonic() + KILL_SECONDS
    while (found := supervisor.children(recursive=True)) and time.monotonic() < deadline:
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        # reaps children, including adopted ones
        psutil.wait_procs(found, timeout=POLL_SECONDS)


def _die_with_supervisor() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
