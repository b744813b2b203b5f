"""A server of forks that run Snakemake, for tests of which jobs run.

A run has the package of its own tree: modules of another tree, or from before an edit, are forgotten in the fork.
What all runs of an unchanged tree have to find out is found out here once: which plug-ins of Snakemake are installed,
what the rule files and the package's code mean. What was imported is noted beside the template for the next server.
Usage: python -m tests.workflow.runs FOLDER PLACE TEMPLATE
"""

import hashlib
import marshal
import os
import sys
from collections.abc import Callable
from contextlib import chdir, suppress
from pathlib import Path
from types import CodeType
from typing import Any, TextIO

import yaml
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
    import snakemake.cli

    snakemake.cli.get_argument_parser()
    notes = Notes(Path(template))
    unchanged = state_of(template)
    for order in orders():
        notes.import_libraries()
        # what is installed in addition is found when the package is imported
        same = order["folder"] == place and state_of(place) == unchanged and not order["packages"]
        if same:
            notes.import_package(place)
        status, imported = in_a_fork(
            lambda pipe, order=order, same=same: run(order, "" if same else place, pipe, notes)
        )
        # what real runs import as well may depend on their environment
        if "--dry-run" in order["arguments"]:
            notes.add(imported.split())
        answer(status)


class Notes:
    """What runs have found out, for those to come, be they of another server.

    Args:
        template: tree that trees are copies of; the notes are beside it.
    """

    def __init__(self, template: Path) -> None:
        self._template = template
        self._modules = template.with_name("modules.txt")
        self._rules = template.with_name("rules")
        self._rules.mkdir(exist_ok=True)
        self._package_is_there = False
        self._tried: set[str] = set()

    def add(self, modules: list[str]) -> None:
        """Note modules that a dry run has imported."""
        known = set(self._names())
        if new := [name for name in modules if name not in known]:
            with self._modules.open("a") as file:
                file.write("".join(f"{name}\n" for name in new))

    def import_libraries(self) -> None:
        """Import the libraries that dry runs import."""
        new = [name for name in self._names() if not is_own(name) and name not in self._tried]
        import_beforehand(new)
        self._tried.update(new)

    def import_package(self, place: str) -> None:
        """Import the package of the usual, unchanged tree; find out what its code means, and use it once.

        Settings, schemas and regular expressions are compiled at their first use.
        """
        names = list(filter(is_own, self._names()))
        if self._package_is_there or not names:
            return
        sys.path.insert(0, os.path.join(place, SCRIPTS))
        import_beforehand(names)
        from steadfast.config.checks import prepare
        from steadfast.core.code_digest import code_digest

        with chdir(self._template):
            prepare(yaml.safe_load(Path("mine.yaml").read_text(encoding="utf-8")))
        for script in sorted(Path(place, SCRIPTS).glob("*.py")):
            code_digest(script)
        del sys.path[0]
        self._package_is_there = True

    def _names(self) -> list[str]:
        return self._modules.read_text().split() if self._modules.exists() else []

    def parsed_once(self, parse: Callable[..., tuple[str, int]]) -> Callable[..., tuple[CodeType, int]]:
        """Snakemake's parser of rule files, which parses and compiles the same content once; see ``compiled``."""

        def parse_or_remember(
            path: Any, workflow: Any, linemap: dict[int, int], overwrite_shellcmd: Any = None, rulecount: int = 0
        ) -> tuple[CodeType, int]:
            name = path.get_path_or_uri(secret_free=True)
            given = repr((name, Path(name).read_bytes(), overwrite_shellcmd, rulecount, linemap))
            kept = self._rules / hashlib.sha256(given.encode()).hexdigest()
            if kept.exists():
                code, count, lines = marshal.loads(kept.read_bytes())  # written below
                linemap.update(lines)
                return code, count
            text, count = parse(path, workflow, linemap, overwrite_shellcmd, rulecount)
            code = compile(text, name, "exec")
            partial = kept.with_suffix(f".{os.getpid()}")
            partial.write_bytes(marshal.dumps((code, count, linemap)))
            partial.replace(kept)
            return code, count

        return parse_or_remember


def compiled(code: CodeType, name: str, mode: str) -> CodeType:
    """What Snakemake would compile, were it not compiled already."""
    return code


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


def run(order: dict[str, Any], another_tree: str, pipe: TextIO, notes: Notes) -> None:
    """Run Snakemake in this process, and end it.

    Args:
        order: among others ``arguments``, and ``packages``: folders of further installed packages.
        another_tree: a tree whose modules this process may have.
        pipe: where the names of imported modules go.
        notes: what earlier runs have found out.
    """
    import snakemake.cli
    import snakemake.logging
    import snakemake.script
    import snakemake.workflow

    known = set(sys.modules)
    if another_tree:
        forget(modules_below(os.path.join(another_tree, SCRIPTS)))
    jobs, threads = open(JOBS, "w"), open(THREADS, "w")
    settle(order, errors=OUTPUT)
    sys.path[:0] = [order["folder"], *order["packages"]]
    sys.argv = [str(Path(snakemake.cli.__file__).with_name("__main__.py")), *order["arguments"]]
    snakemake.workflow.parse = notes.parsed_once(snakemake.workflow.parse)
    snakemake.workflow.compile = compiled
    snakemake.script.PythonScript.evaluate = without_a_process(snakemake.script.PythonScript.evaluate)
    snakemake.logging.logger.addFilter(lambda record: note(record, jobs, threads))
    try:
        snakemake.cli.main(order["arguments"])
    finally:
        print(*modules_below(INSTALLED, os.path.join(order["folder"], SCRIPTS), known=known), file=pipe)


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
