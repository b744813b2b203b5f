"""The real workflow in a copy of the repository, where every script only creates its outputs.

What is stale is decided by Snakemake from the metadata of a real run, so the jobs that a change brings about can be
asserted exactly and in seconds. Code digests are those of the real scripts and of the copy's package.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.forks import LONGEST_SECONDS, Forks
from tests.grids import copy_workflow
from tests.sharing import made_once
from tests.workflow import runs
from tests.workflow.trees import Place, copy_tree

from steadfast.core.yaml_text import parse_yaml

REAL = ("--cores", "2", "--configfile", "mine.yaml")
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
        forks: run Snakemake in it.
        packages: folders of installed packages that its runs have in addition to those of the environment.
    """

    folder: Path
    forks: Forks
    packages: tuple[str, ...] = ()

    @property
    def config(self) -> dict[str, Any]:
        """The current configuration."""
        return parse_yaml((self.folder / "mine.yaml").read_text(encoding="utf-8"))

    @config.setter
    def config(self, config: dict[str, Any]) -> None:
        (self.folder / "mine.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        """Environment of its runs."""
        return {**environment(self.folder), "PYTHONPATH": os.pathsep.join(self.packages)}

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
        return self._run([*REAL, *arguments])

    def run_alone(self, *arguments: str) -> tuple[int, str]:
        """The same of a run as a user would start it, by a new process."""
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", *REAL, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
        )
        return done.returncode, done.stdout + done.stderr

    def dry_run(self, *arguments: str, config: tuple[str, ...] = ("mine.yaml",)) -> tuple[int, str]:
        """Exit status and output of a dry run."""
        chosen = ["--configfile", *config] if config else []
        return self._run(["--dry-run", *arguments, *chosen])

    def _run(self, arguments: list[str]) -> tuple[int, str]:
        status = self.forks.ask(self.folder, self.environment, arguments=arguments, packages=self.packages)
        return status, self.forks.said()

    def jobs(self, *arguments: str, config: tuple[str, ...] = ("mine.yaml",)) -> set[str]:
        """Jobs that a run would start: the rule's name, with its wildcards behind it."""
        status, text = self.dry_run(*arguments, config=config)
        assert status == 0, text
        return self.listed()

    def listed(self) -> set[str]:
        """Jobs of the last dry run, without the target."""
        lines = self.forks.said(runs.JOBS).splitlines()
        return set(lines) - {"all"}

    def threads(self) -> dict[str, set[int]]:
        """Threads of the jobs of the last dry run, by rule."""
        found: dict[str, set[int]] = {}
        for line in self.forks.said(runs.THREADS).splitlines():
            rule, threads = line.split()
            found.setdefault(rule, set()).add(int(threads))
        return found


def environment(folder: Path) -> dict[str, str]:
    """Environment in which Snakemake's own cache stays below ``folder``, and trees keep the bytecode of their code."""
    return {**os.environ, "XDG_CACHE_HOME": str(folder / ".cache"), "OMP_NUM_THREADS": "1"}


def forks_of_snakemake(folder: Path, place: Path, template: Path) -> Forks:
    """A server of forks that run Snakemake.

    Args:
        folder: its own.
        place: folder in which trees of tests lie, one after the other.
        template: the tree that they are copies of.
    """
    return Forks(runs, place, template, folder=folder, environment=environment(folder))


def _with_stub(text: str) -> str:
    """A script that creates its outputs and ends; the original follows it, so that its digest is the real one."""
    end = ast.parse(text).body[0].end_lineno
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:end], runs.STUB, *lines[end:]])


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """A copy of the repository whose scripts are stubs; nothing has run in it, but what its code means is known."""

    def make(folder: Path) -> None:
        copy = copy_workflow(folder / "a copy")
        for script in (copy / "workflow" / "scripts").glob("*.py"):
            script.write_text(_with_stub(script.read_text(encoding="utf-8")), encoding="utf-8")
        (copy / "mine.yaml").write_text(CONFIG, encoding="utf-8")
        with closing(forks_of_snakemake(folder, copy, copy)) as forks:
            status, text = Tree(copy, forks).dry_run()
        assert status == 0, text

    return made_once(tmp_path_factory, "stubs", make) / "a copy"


@pytest.fixture(scope="session")
def usual_place(tmp_path_factory) -> Place:
    """Where the tree of a test lies while it runs, so that the modules of the package have the same paths in all."""
    return Place(tmp_path_factory.mktemp("tree") / "a copy")


@pytest.fixture(scope="session")
def snakemake_forks(template, usual_place) -> Iterator[Forks]:
    """What runs Snakemake."""
    with closing(forks_of_snakemake(usual_place.folder.parent, usual_place.folder, template)) as forks:
        yield forks


@pytest.fixture(scope="session")
def finished_template(template, usual_place, snakemake_forks, tmp_path_factory) -> Path:
    """The same after a run of the whole grid."""

    def make(folder: Path) -> None:
        status, text = Tree(copy_tree(template, usual_place.folder), snakemake_forks).run()
        assert status == 0, text
        usual_place.folder.rename(folder / "a copy")

    return made_once(tmp_path_factory, "finished stubs", make) / "a copy"


@pytest.fixture
def fresh(template, snakemake_forks, usual_place) -> Iterator[Tree]:
    """A tree for the test in which nothing has run."""
    yield Tree(usual_place.put(template), snakemake_forks)
    usual_place.clear()


@pytest.fixture
def finished(finished_template, snakemake_forks, usual_place) -> Iterator[Tree]:
    """A tree for the test in which the whole grid has run."""
    yield Tree(usual_place.put(finished_template), snakemake_forks)
    usual_place.clear()
