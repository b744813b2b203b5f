"""A copy of the workflow in a folder of its own, and Snakemake run in it as a user would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "workflow", "config", "resources", "envs", "profiles")


def copy_workflow(target: Path) -> Path:
    """Copy what a run needs into ``target``."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / part)
    shutil.copytree(ROOT / "tests" / "data", target / "tests" / "data")
    return target


def snakemake(folder: Path, *arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in ``folder`` and return what it printed (both streams in ``stdout``)."""
    command = [sys.executable, "-m", "snakemake", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
    )
