"""A server of forks that run code as a new process would, but for libraries that take seconds to import.

What reads the environment when it is imported, the hub's client before all, is imported by each fork.
Usage: python -m tests.warm_python FOLDER MODULE...
"""

import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from tests.forks import (
    ERRORS,
    INSTALLED,
    Forks,
    answer,
    forget,
    import_beforehand,
    in_a_fork,
    modules_below,
    orders,
    settle,
)

AGAIN = ("steadfast", "huggingface_hub", "httpx2")


def run_code(forks: Forks, code: str, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run code in a fork.

    Args:
        forks: of this server.
        code: what to run.
        folder: where.
        environment: all of its environment.
    """
    status = forks.ask(folder, environment, code=code)
    return subprocess.CompletedProcess(code, status, forks.said(), forks.said(ERRORS))


def main(*modules: str) -> None:
    """Run what is ordered, with modules that are imported here."""
    for name in modules:
        import_module(name)
    for order in orders():
        status, imported = in_a_fork(lambda pipe, order=order: run(order, pipe))
        import_beforehand(imported.split())
        answer(status)


def run(order: dict[str, Any], pipe: TextIO) -> None:
    """Run the code of an order in this process.

    Args:
        order: among others the ``code``.
        pipe: where the names of imported modules go.
    """
    known = set(sys.modules)
    forget([name for name in sys.modules if name.partition(".")[0] in AGAIN])
    settle(order)
    sys.path[:0] = [order["folder"], *filter(None, order["environment"].get("PYTHONPATH", "").split(":"))]
    try:
        exec(order["code"], {"__name__": "__main__"})
    finally:
        new = modules_below(INSTALLED, known=known)
        print(*(name for name in new if name.partition(".")[0] not in AGAIN), file=pipe)


if __name__ == "__main__":
    main(*sys.argv[2:])
