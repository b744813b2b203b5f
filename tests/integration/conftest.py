"""The small grid, run once for all tests that look at its results or go on from them."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from tests.grids import copy_workflow, snakemake
from tests.sharing import made_once

CONFIG = Path(__file__).with_name("small_grid.yaml")
FIRST = "first_run.txt"
PUBLISHED = "paper_counts_100_prompts.csv"
JUDGES_OF_THE_TABLE = ["ChatGPT5", "GLM-4", "regex"]


@dataclass(frozen=True)
class GridRun:
    """A folder in which the small grid was run."""

    folder: Path

    @property
    def first(self) -> str:
        """What Snakemake said in the run that made it."""
        return (self.folder / FIRST).read_text(encoding="utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake again."""
        # the targets come first: --configfile takes every word that follows it
        return snakemake(self.folder, *arguments, "--cores", "2", "--configfile", CONFIG.name)

    def path(self, name: str) -> Path:
        """A file of the results."""
        return self.folder / "results" / name


@pytest.fixture(scope="session")
def finished_grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small grid, complete, made once for all workers; a test that runs or changes it takes a copy."""

    def make(folder: Path) -> None:
        clone = copy_workflow(folder / "my clone")
        shutil.copy2(CONFIG, clone)
        # a figure is drawn for every judge, which tests of the table have looked at
        few = clone / "tests" / "data" / PUBLISHED
        counts = pd.read_csv(few)
        counts[counts["judge"].isin(JUDGES_OF_THE_TABLE)].to_csv(few, index=False)
        first = snakemake(clone, "--cores", "2", "--configfile", CONFIG.name)
        assert first.returncode == 0, first.stdout
        (clone / FIRST).write_text(first.stdout, encoding="utf-8")

    return made_once(tmp_path_factory, "a grid", make) / "my clone"


@pytest.fixture(scope="session")
def copy_models(finished_grid: Path) -> Callable[[Path], Path]:
    """Copies the small grid with its models alone, for grids that train the same ones."""

    def all_but_models(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name != "models"] if Path(folder) == finished_grid / "results" else []

    return lambda target: shutil.copytree(finished_grid, target, ignore=all_but_models)


@pytest.fixture(scope="module")
def small_grid(finished_grid: Path, tmp_path_factory: pytest.TempPathFactory) -> GridRun:
    """A copy of the small grid for the tests of a module, in a folder with a space in its name."""
    return GridRun(shutil.copytree(finished_grid, tmp_path_factory.mktemp("a grid") / "my clone"))
