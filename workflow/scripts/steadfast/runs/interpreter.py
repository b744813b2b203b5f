"""The path of the Python interpreter, as the workflow engine puts it into its commands."""

import os
import shlex
import sys
from pathlib import Path


def find_interpreter_by_name() -> None:
    """Make commands find the running interpreter by name if its path would need quotes.

    Snakemake inserts the path into shell commands without quotes, so scripts fail in a folder with a space in its name.
    The interpreter's folder is prepended to the search path instead.
    """
    interpreter = Path(sys.executable)
    if shlex.quote(str(interpreter)) != str(interpreter):
        os.environ["PATH"] = os.pathsep.join([str(interpreter.parent), os.environ.get("PATH", "")])
        sys.executable = interpreter.name
