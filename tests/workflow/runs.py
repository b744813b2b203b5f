"""A server of forks that run Snakemake, for tests of which jobs run.

A run has the package of its own tree: modules of another tree, or from before an edit, are forgotten in the fork.
Usage: python -m tests.workflow.runs FOLDER PLACE TEMPLATE
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from tests.forks import INSTALLED, OUTPUT, answer, forget, import_beforehand, in_a_fork, modules_below, orders, settle

STUB = """
import sys as _sys
from pathlib import Path as _Path

for _path in map(_Path, snakemake.output):
    (_path.parent if _path.suffix else _path).mkdir(parents=True, exist_ok=True)
    (_path if _path.suffix else _path / "file.txt").write_text(str(_path), encoding="utf-8")
_sys.exit()

"""
JOBS, THREADS = "jobs.txt", "threads.txt"
"""Files of the last run: the jobs that it listed, and their threads."""
SCRIPTS = os.path.join("workflow", "scripts", "")


def main(place: str, template: str) -> None:
    """Run what is ordered.

    Args:
        place: folder in which trees of tests lie, one after the other.
        template: folder of the tree that they are copies of.
    """
    import snakemake.cli  # noqa: F401

    unchanged = state_of(template)
    for order in orders():
        # what is installed in addition is found when the package is imported
        same = order["folder"] == place and state_of(place) == unchanged and not order["packages"]
        status, imported = in_a_fork(lambda pipe, order=order, same=same: run(order, "" if same else place, pipe))
        # what real runs import as well may depend on their environment
        if "--dry-run" in order["arguments"]:
            import_beforehand(name for name in imported.split() if not is_own(name))
            if same:
                sys.path.insert(0, os.path.join(place, SCRIPTS))
                import_beforehand(filter(is_own, imported.split()))
                del sys.path[0]
        answer(status)


def state_of(folder: str) -> dict[str, tuple[int, int]]:
    """Size and time of the last change of every file of the package in a tree."""
    found = {}
    for inner, _, names in os.walk(os.path.join(folder, SCRIPTS)):
        for file in (os.path.join(inner, name) for name in names if name.endswith(".py")):
            status = os.stat(file)
            found[os.path.relpath(file, folder)] = (status.st_size, status.st_mtime_ns)
    return found


def is_own(name: str) -> bool:
    """Whether a module belongs to the tree of a run."""
    return name.startswith(("steadfast", "snakemake_logger_plugin_steadfast"))


def run(order: dict[str, Any], another_tree: str, pipe: TextIO) -> None:
    """Run Snakemake in this process, and end it.

    Args:
        order: among others ``arguments``, and ``packages``: folders of further installed packages.
        another_tree: a tree whose modules this process may have.
        pipe: where the names of imported modules go.
    """
    import snakemake.cli
    import snakemake.logging
    import snakemake.script

    if another_tree:
        forget(modules_below(os.path.join(another_tree, SCRIPTS)))
    jobs, threads = open(JOBS, "w"), open(THREADS, "w")
    settle(order, errors=OUTPUT)
    sys.path[:0] = [order["folder"], *order["packages"]]
    sys.argv = [str(Path(snakemake.cli.__file__).with_name("__main__.py")), *order["arguments"]]
    snakemake.script.PythonScript.evaluate = without_a_process(snakemake.script.PythonScript.evaluate)
    snakemake.logging.logger.addFilter(lambda record: note(record, jobs, threads))
    try:
        snakemake.cli.main(order["arguments"])
    finally:
        print(*modules_below(INSTALLED, os.path.join(order["folder"], SCRIPTS)), file=pipe)


def note(record: Any, jobs: TextIO, threads: TextIO) -> bool:
    """Write down a job of which Snakemake tells; a filter of its logger."""
    if getattr(record, "event", None) == "job_info":
        print(record.rule_name, *record.wildcards.values(), file=jobs, flush=True)
        print(record.rule_name, record.threads or 1, file=threads, flush=True)
    return True


def without_a_process(evaluate: Callable[..., None]) -> Callable[..., None]:
    """Scripts that are stubs do their work in this process, others in one of their own."""

    def evaluate_or_stub(script: Any, edit: bool = False) -> None:
        source = script.source.decode() if isinstance(script.source, bytes) else script.source
        if STUB not in source:
            return evaluate(script, edit)
        if script.bench_record:
            script.bench_record.running_time = 0.0
            script.bench_record.process_gone = True  # before there was something to measure
        with suppress(SystemExit):
            exec(STUB, {"snakemake": script})
        return None

    return evaluate_or_stub


if __name__ == "__main__":
    main(*sys.argv[2:])
