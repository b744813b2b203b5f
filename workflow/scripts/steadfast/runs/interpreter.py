"""The path of the Python interpreter, as the workflow engine puts it into its commands."""

import os
import shlex
import sys
from pathlib import Path


def find_interpreter_by_name() -> None:
    """Let commands find the running interpreter by its name where its path would need quotes.

    Snakemake puts the path into shell commands as it is, so that no script runs in a clone whose folder has a space in
    its name. The interpreter's folder is put in front of the search path instead.
    """
    interpreter = Path(sys.executable)
    if shlex.quote(str(interpreter)) != str(interpreter):
        os.environ["PATH"] = os.pathsep.join([str(interpreter.parent), os.environ.get("PATH", "")])
        sys.executable = interpreter.name
