"""The real workflow in a copy of the repository, where every script only creates its outputs.

What is stale is decided by Snakemake from the metadata of a real run, so the jobs that a change brings about can be
asserted exactly and in seconds. Code digests are those of the real scripts and of the copy's package.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.grids import copy_workflow
from tests.sharing import made_once

# Half of the time of a dry run is the import of Snakemake and what else is installed, so that this process does it once
# and forks for each run. The package itself is imported by each run, from its own tree.
DRY_RUNS = """
import importlib, json, os, sys, sysconfig
from contextlib import suppress
import snakemake.cli, snakemake.logging

installed = sysconfig.get_path("purelib")
IMPORTED = os.path.abspath("imported.txt")

def note(record, jobs, threads):
    if getattr(record, "event", None) == "job_info":
        print(record.rule_name, *record.wildcards.values(), file=jobs, flush=True)
        print(record.rule_name, record.threads or 1, file=threads, flush=True)
    return True

for line in sys.stdin:
    order = json.loads(line)
    if (child := os.fork()) == 0:
        os.chdir(order["folder"])
        sys.path[:0] = order["packages"]
        output = os.open("dry_run.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        jobs, threads = open("dry_run_jobs.txt", "w"), open("dry_run_threads.txt", "w")
        snakemake.logging.logger.addFilter(lambda record: note(record, jobs, threads))
        try:
            snakemake.cli.main(order["arguments"])
        finally:
            files = {name: str(getattr(module, "__file__", "")) for name, module in sys.modules.items()}
            with open(IMPORTED, "w") as names:
                print(*(name for name, file in files.items() if file.startswith(installed)), file=names)
        sys.exit()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for name in open(IMPORTED).read().split():
        with suppress(ImportError):
            importlib.import_module(name)
    print(status, flush=True)
"""
STUB = """
import sys as _sys
from pathlib import Path as _Path

for _path in map(_Path, snakemake.output):
    (_path.parent if _path.suffix else _path).mkdir(parents=True, exist_ok=True)
    (_path if _path.suffix else _path / "file.txt").write_text(str(_path), encoding="utf-8")
_sys.exit()

"""
CONFIG = """
prompts:
  harmful: [{kind: synthetic}]
  harmless: [{kind: synthetic}]
  calibration: 8
  evaluation: 6
  human: 1
models:
  raw: {source: organism, recipe: raw}
  score0: {source: organism, recipe: score0}
  tiny: {source: organism, recipe: judge, role: judge}
variants:
  original: {}
  abliterated:
    direction: {method: mean_difference, layer: 1}
    edit: {method: orthogonalize}
  random:
    role: control
    direction: {method: random}
    edit: {method: orthogonalize}
judges:
  grammar: {kind: grammar}
  regex: {kind: regex, patterns: resources/prompts/judges/refusal_phrases.yaml}
  local: {kind: local, model: tiny, prompt: resources/prompts/judges/organism_labels.md, minimum_mass: 0}
  self: {kind: self, prompt: resources/prompts/judges/organism_labels.md, minimum_mass: 0}
  label-only: {kind: label_only}
"""


@dataclass
class Tree:
    """A copy of the repository with a configuration, ``mine.yaml``.

    Attributes:
        folder: where it is.
        dry_runs: the process that makes dry runs.
        packages: folders of installed packages that its runs have in addition to those of the environment.
    """

    folder: Path
    dry_runs: subprocess.Popen[str]
    packages: tuple[str, ...] = ()

    @property
    def config(self) -> dict[str, Any]:
        """The current configuration."""
        return yaml.safe_load((self.folder / "mine.yaml").read_text(encoding="utf-8"))

    @config.setter
    def config(self, config: dict[str, Any]) -> None:
        (self.folder / "mine.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")

    def put(self, path: str, value: Any) -> None:
        """Set the value at a dotted path of the configuration."""
        config = self.config
        place, (*parents, last) = config, path.split(".")
        for key in parents:
            place = place.setdefault(key, {})
        place[last] = value
        self.config = config

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that occurs once in a file."""
        file = self.folder / name
        content = file.read_text(encoding="utf-8")
        assert content.count(old) == 1, f"{old!r} occurs {content.count(old)} times in {name}"
        file.write_text(content.replace(old, new), encoding="utf-8")

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit status and output of a real run."""
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "mine.yaml", *arguments],
            cwd=self.folder,
            env={**environment(self.folder), "PYTHONPATH": os.pathsep.join(self.packages)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stdout + done.stderr

    def dry_run(self, *arguments: str, config: tuple[str, ...] = ("mine.yaml",)) -> tuple[int, str]:
        """Exit status and output of a dry run."""
        chosen = ["--configfile", *config] if config else []
        order = {
            "folder": str(self.folder),
            "packages": self.packages,
            "arguments": ["--dry-run", *arguments, *chosen],
        }
        assert self.dry_runs.stdin
        assert self.dry_runs.stdout
        print(json.dumps(order), file=self.dry_runs.stdin, flush=True)
        status = int(self.dry_runs.stdout.readline())
        return status, (self.folder / "dry_run.txt").read_text(encoding="utf-8")

    def jobs(self, *arguments: str, config: tuple[str, ...] = ("mine.yaml",)) -> set[str]:
        """Jobs that a run would start: the rule's name, with its wildcards behind it."""
        status, text = self.dry_run(*arguments, config=config)
        assert status == 0, text
        return self.listed()

    def listed(self) -> set[str]:
        """Jobs of the last dry run, without the target."""
        lines = (self.folder / "dry_run_jobs.txt").read_text(encoding="utf-8").splitlines()
        return set(lines) - {"all"}

    def threads(self) -> dict[str, set[int]]:
        """Threads of the jobs of the last dry run, by rule."""
        found: dict[str, set[int]] = {}
        for line in (self.folder / "dry_run_threads.txt").read_text(encoding="utf-8").splitlines():
            rule, threads = line.split()
            found.setdefault(rule, set()).add(int(threads))
        return found


def environment(folder: Path) -> dict[str, str]:
    """Environment in which Snakemake's own cache stays below ``folder``."""
    return {**os.environ, "XDG_CACHE_HOME": str(folder / ".cache"), "OMP_NUM_THREADS": "1"}


def _with_stub(text: str) -> str:
    """A script that creates its outputs and ends; the original follows it, so that its digest is the real one."""
    end = ast.parse(text).body[0].end_lineno
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:end], STUB, *lines[end:]])


@pytest.fixture(scope="session")
def template(dry_runs, tmp_path_factory) -> Path:
    """A copy of the repository whose scripts are stubs; nothing has run in it, but what its code means is known."""

    def make(folder: Path) -> None:
        copy = copy_workflow(folder / "a copy")
        for script in (copy / "workflow" / "scripts").glob("*.py"):
            script.write_text(_with_stub(script.read_text(encoding="utf-8")), encoding="utf-8")
        (copy / "mine.yaml").write_text(CONFIG, encoding="utf-8")
        status, text = Tree(copy, dry_runs).dry_run()
        assert status == 0, text

    return made_once(tmp_path_factory, "stubs", make) / "a copy"


@pytest.fixture(scope="session")
def dry_runs(tmp_path_factory) -> Iterator[subprocess.Popen[str]]:
    """The process that makes dry runs."""
    with subprocess.Popen(
        [sys.executable, "-c", DRY_RUNS],
        cwd=tmp_path_factory.mktemp("dry_runs"),
        env=environment(tmp_path_factory.getbasetemp()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture(scope="session")
def finished_template(template, dry_runs, tmp_path_factory) -> Path:
    """The same after a run of the whole grid."""

    def make(folder: Path) -> None:
        status, text = Tree(shutil.copytree(template, folder / "a copy"), dry_runs).run()
        assert status == 0, text

    return made_once(tmp_path_factory, "finished stubs", make) / "a copy"


@pytest.fixture
def fresh(template, dry_runs, tmp_path) -> Tree:
    """A tree of the test's own in which nothing has run."""
    return Tree(Path(shutil.copytree(template, tmp_path / "a copy")), dry_runs)


@pytest.fixture
def finished(finished_template, dry_runs, tmp_path) -> Tree:
    """A tree of the test's own in which the whole grid has run."""
    return Tree(Path(shutil.copytree(finished_template, tmp_path / "a copy")), dry_runs)
