"""Locks of run folders, and removal of stale ones: ``python -m steadfast.runs.lock``.

Snakemake's lock does not say which run uses the folder, or whether it is still alive. So each run also holds a file
lock of the system, which is released when the process ends in any way, and writes its identity into the file.
"""

import fcntl
import json
import os
import shutil
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from steadfast.core.command import run_command
from steadfast.core.terminal_encoding import show_any_text

RECORD = Path(".snakemake/steadfast/owner.json")
LOCKS = Path(".snakemake/locks")
LOCKED_MESSAGE = "Directory cannot be locked"
KILLED = (
    "A run in this folder was killed and left its lock; none of its processes is alive. (Jobs on a cluster may be: "
    "`squeue` lists them, cancel them first.)\nTo remove the lock and continue:\n  {unlock} && {run}"
)
ALIVE = "Another run is using this folder: {owner}.\nWait for its end or end it; its results are kept."
UNKNOWN = (
    "This folder is locked: another run uses it, or one was killed, which cannot be known on this file system.\nIf "
    "none is left, remove the lock and go on:\n  {unlock} && {run}"
)
# open as long as this process lives
_held: list[int] = []


def claim_folder() -> None:
    """Lock the folder for this process's run until it ends; no effect if another run holds the lock."""
    try:
        RECORD.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(RECORD, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _held.append(handle)
        os.ftruncate(handle, 0)
        os.write(handle, json.dumps(_identity()).encode())
    except OSError:
        if handle not in _held:
            os.close(handle)


def explain_lock() -> str:
    """Why the folder is locked, and what to do."""
    alive = False if _held else _other_is_alive()
    words = {True: ALIVE, False: KILLED, None: UNKNOWN}[alive]
    return words.format(owner=_owner(), unlock=_unlock_command(), run=run_command())


def main() -> int:
    """Remove the lock of a run that was killed; 1 if it is alive."""
    show_any_text()
    if _other_is_alive():
        print(ALIVE.format(owner=_owner()), file=sys.stderr)
        return 1
    if not _is_locked():
        print("There is no lock.")
        return 0
    shutil.rmtree(LOCKS)
    print("The lock was removed.")
    return 0


def _other_is_alive() -> bool | None:
    """Whether a run of another process holds the folder; None if that is unknown."""
    try:
        handle = os.open(RECORD, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(handle)
    return False


def _is_locked() -> bool:
    return LOCKS.is_dir() and any(LOCKS.iterdir())


def _identity() -> dict[str, Any]:
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "command": run_command(),
    }


def _owner() -> str:
    """Description of the owner in the record."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(RECORD.read_text(encoding="utf-8"))
        return f"process {found['process']} on {found['host']}, since {found['since']} ({found['command']})"
    return "its process is not known"


def _unlock_command() -> str:
    return "make unlock" if run_command().startswith("make ") else "snakemake --unlock"


if __name__ == "__main__":
    sys.exit(main())
