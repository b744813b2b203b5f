"""Processes that import what takes long once, and do each task in a fork of themselves.

A server is a module with a loop over ``orders``; `Forks` starts one and gives it orders. What a task says goes into
files of the server's folder.
"""

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

ROOT = Path(__file__).parents[1]
INSTALLED = sysconfig.get_path("purelib")
OUTPUT, ERRORS = "stdout.txt", "stderr.txt"
LONGEST_SECONDS = 300


class Forks:
    """A server that runs.

    Args:
        server: its module.
        arguments: its arguments.
        folder: its folder, in which nothing else lies.
        environment: its environment; that of a task is its own.
    """

    def __init__(
        self, server: ModuleType, *arguments: str | Path, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", server.__name__, folder, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, folder: Path, environment: Mapping[str, str], **order: Any) -> int:
        """Let a fork do something, and return its exit status.

        Args:
            folder: where it works.
            environment: all of its environment.
            order: further values that the server knows.
        """
        assert self._process.stdin
        assert self._process.stdout
        line = json.dumps({"folder": str(folder), "environment": dict(environment), **order})
        print(line, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def said(self, name: str = OUTPUT) -> str:
        """A file that the last task wrote into the server's folder."""
        return (self.folder / name).read_text(encoding="utf-8")

    def close(self) -> None:
        """End the server."""
        self._process.communicate()


def orders() -> Iterator[dict[str, Any]]:
    """Orders that come in; to be asked for in a server's folder, and each answered with ``answer``."""
    del sys.path[0]  # where the server itself was found
    os.chdir(sys.argv[1])
    for line in sys.stdin:
        yield json.loads(line)


def answer(status: int) -> None:
    """Tell that an order was done."""
    print(status, flush=True)


def in_a_fork(work: Callable[[TextIO], None]) -> tuple[int, str]:
    """Do something in a fork of this process.

    Args:
        work: what to do; it is given where to write what this process should know.

    Returns:
        Exit status, and what was written.
    """
    reader, writer = os.pipe()
    # what is there already is not searched for garbage in a fork: that takes time, and copies the memory it shares
    gc.freeze()
    if (child := os.fork()) == 0:
        # a fork ends before what it leaves behind fills the memory
        gc.disable()
        os.close(reader)
        with os.fdopen(writer, "w") as pipe:
            status = _status_of(lambda: work(pipe))
        # what the interpreter does beyond this, taking its modules apart, takes longer than many a task
        os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told


def _status_of(work: Callable[[], None]) -> int:
    """Exit status of a process that does only this work, and exits directly."""
    status = 0
    try:
        work()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def modules_below(*folders: str, known: Container[str] = ()) -> list[str]:
    """Names of the modules of this process, but for known ones, that come from one of the folders."""
    new = ((name, module) for name, module in sys.modules.items() if name not in known)
    return [name for name, module in new if str(getattr(module, "__file__", "")).startswith(folders)]


def import_beforehand(names: Iterable[str]) -> None:
    """Import for the forks to come what one of them has imported."""
    for name in names:
        with suppress(ImportError):
            import_module(name)


def settle(order: dict[str, Any], errors: str = ERRORS) -> None:
    """Take the folder and the environment of an order, and say everything into files.

    Args:
        order: the order.
        errors: file of what goes to standard error.
    """
    signal.alarm(LONGEST_SECONDS)
    for number, name in ((1, OUTPUT), (2, errors)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in os.environ
    os.chdir(order["folder"])


def forget(names: list[str]) -> None:
    """Let this process import modules again."""
    for name in names:
        del sys.modules[name]
