"""Commands for users, outside a run: errors are one message without a traceback."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import NoReturn

from steadfast.core.errors import SteadfastError
from steadfast.core.terminal_encoding import show_any_text

FAILED = 1
PATH_ERRORS = (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError)


def run_command_line(main: Callable[[], object]) -> NoReturn:
    """Call the function of a command, and exit with its status.

    Args:
        main: returns the exit status; any value that is not a number means success.

    User errors (``SteadfastError``), unusable paths and failed subprocesses exit with one message on standard error and
    status 1. Other errors are bugs and keep their traceback.
    """
    show_any_text()
    try:
        status = main()
    except SteadfastError as error:
        message = str(error)
    except PATH_ERRORS as error:
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except subprocess.CalledProcessError as error:
        command = error.cmd if isinstance(error.cmd, str) else shlex.join(map(str, error.cmd))
        message = f"this command failed (exit status {error.returncode}): {command}"
    else:
        sys.exit(status if isinstance(status, int) else 0)
    print(f"error: {message}", file=sys.stderr)
    sys.exit(FAILED)
