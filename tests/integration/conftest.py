"""The small grid, run once for all tests that look at its results."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.grids import copy_workflow, snakemake

CONFIG = Path(__file__).with_name("small_grid.yaml")


@dataclass(frozen=True)
class GridRun:
    """A folder in which the small grid was run, and what Snakemake said."""

    folder: Path
    first: subprocess.CompletedProcess[str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake again."""
        # the targets come first: --configfile takes every word that follows it
        return snakemake(self.folder, *arguments, "--cores", "2", "--configfile", "small_grid.yaml")

    def path(self, name: str) -> Path:
        """A file of the results."""
        return self.folder / "results" / name


@pytest.fixture(scope="session")
def small_grid(tmp_path_factory: pytest.TempPathFactory) -> GridRun:
    """The small grid, complete, in a folder with a space in its name."""
    folder = copy_workflow(tmp_path_factory.mktemp("a grid") / "my clone")
    shutil.copy2(CONFIG, folder)
    first = snakemake(folder, "--cores", "2", "--configfile", "small_grid.yaml")
    assert first.returncode == 0, first.stdout
    return GridRun(folder, first)
