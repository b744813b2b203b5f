"""The command that a run was started with, for messages on how to resume."""

import os
import shlex
import sys
from pathlib import Path

VARIABLE = "STEADFAST_COMMAND"
DEFAULT = "make run"


def run_command() -> str:
    """The command that the run was started with, which also resumes it.

    The main process passes it to its jobs (``pass_on``).
    """
    given = os.environ.get(VARIABLE)
    if given:
        return given.strip()
    program = Path(sys.argv[0])
    if program.name == "snakemake":
        return shlex.join([program.name, *sys.argv[1:]])
    if (program.parent.name, program.name) != ("snakemake", "__main__.py"):
        return DEFAULT
    python = os.path.relpath(sys.executable) if Path(sys.executable).is_relative_to(Path.cwd()) else sys.executable
    return shlex.join([python, "-m", "snakemake", *sys.argv[1:]])


def pass_on() -> None:
    """Pass the command to the jobs of this process."""
    os.environ[VARIABLE] = run_command()
