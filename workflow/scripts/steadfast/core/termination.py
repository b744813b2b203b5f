"""Termination of processes, on request and when their run has ended.

A run is terminated by SIGTERM, or by SIGHUP when its terminal is closed; its jobs end as after any other failure, with
temporary files removed and the reason in the log. A job whose run was killed detects this itself: Snakemake starts jobs
in threads and through a shell, so parent-death signals would not reach them.
"""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil

RUN_VARIABLE = "STEADFAST_RUN"
SIGNALS = (signal.SIGTERM, signal.SIGHUP)
POLL_SECONDS = 1.0
# seconds for a clean exit after the run is gone, before the process is killed
GRACE_SECONDS = 30.0
ORPHANED = "the run that started this step is gone"


class Stopped(BaseException):
    """The process was requested to end.

    Attributes:
        status: exit status, as a shell reports the signal.
    """

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


def end_run_on_hangup() -> None:
    """Treat SIGHUP as SIGTERM in the process of a run, and end with its lock removed on both.

    While jobs run, Snakemake's handler for SIGTERM waits for them. Under ``nohup``, SIGHUP remains ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _exit_by_signal)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))


def name_run() -> None:
    """Pass the identity of this process to its jobs."""
    os.environ[RUN_VARIABLE] = f"{os.getpid()} {_place()}"


@contextmanager
def stoppable() -> Iterator[None]:
    """Context that raises ``Stopped`` when the process is requested to end, or when its run is gone.

    Ignored signals remain ignored; a second signal ends the process immediately.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    orphaned, over = threading.Event(), threading.Event()

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        name = signal.Signals(number).name
        raise Stopped(ORPHANED if orphaned.is_set() else f"stopped from outside ({name})", 128 + number)

    before = {each: found for each in SIGNALS if (found := signal.getsignal(each)) != signal.SIG_IGN}
    for each in before:
        signal.signal(each, stop)
    number, _, place = os.environ.get(RUN_VARIABLE, "").partition(" ")
    if number.isdigit() and place == _place():
        # the run may have been killed before this line
        threading.Thread(target=_watch, args=(_process(int(number)), orphaned, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        for each, handler in before.items():
            signal.signal(each, handler)


def _place() -> str:
    """Scope of process ids: the machine, and the namespace of a container."""
    with suppress(OSError):
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    return socket.gethostname()


def _process(number: int) -> psutil.Process | None:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(number)
    return None


def _watch(run: psutil.Process | None, orphaned: threading.Event, over: threading.Event) -> None:
    while not over.wait(POLL_SECONDS):
        if not _is_running(run):
            orphaned.set()
            os.kill(os.getpid(), signal.SIGTERM)
            if not over.wait(GRACE_SECONDS):
                os.kill(os.getpid(), signal.SIGKILL)
            return


def _is_running(process: psutil.Process | None) -> bool:
    """Whether a process is still running; its start time distinguishes it from another with the same id."""
    if process is None:
        return False
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _exit_by_signal(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
