"""Check of a run's folder before it starts: ``python -m steadfast.runs.working_folder``.

It imports only the standard library: `make run` calls it before Snakemake, which fails with a traceback in some of
these cases.
"""

import errno
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from steadfast.core import disk
from steadfast.core.errors import ConfigError
from steadfast.core.terminal_encoding import show_any_text

# number of bytes of a test write
PROBE = 1 << 18
REFUSED = {
    errno.EROFS: "it is read-only",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
}


def require_usable_place() -> None:
    """Check the working folder of a run, and the folders that Snakemake needs.

    Raises:
        ConfigError: the first that cannot be used, and what to do.
    """
    for check in CHECKS:
        for message in check():
            # Snakemake's own log may be what cannot be written, and Python would tell of every line that was not
            logging.raiseExceptions = False
            raise ConfigError(message)


def _braces() -> Iterator[str]:
    here = Path.cwd()
    if set("{}") & set(str(here)):
        yield (
            f"the path of this folder contains braces, which Snakemake interprets as wildcards: {here}\n"
            "Rename the folder."
        )


def _writing() -> Iterator[str]:
    for folder in (Path.cwd(), Path("results"), Path(".snakemake")):
        if folder.exists() or folder.is_symlink():
            problem = _write_problem(folder)
            if problem:
                yield f"{problem}\nA run writes into `results` and `.snakemake` of the folder that it is started in."


def _cache() -> Iterator[str]:
    """Folder that Snakemake creates for its cache before it reads anything."""
    given = os.environ.get("XDG_CACHE_HOME")
    # as Snakemake determines it; without a home directory the path is unchanged
    cache = Path(given or os.path.expanduser("~/.cache"), "snakemake")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        problem = _write_problem(cache)
    except OSError as error:
        problem = _describe_problem(cache, error)
    if problem:
        of = "XDG_CACHE_HOME" if given else f"HOME ({os.environ.get('HOME', '')})"
        yield f"{of} cannot be used: {problem}\nSet XDG_CACHE_HOME to a folder that can be written to."


def _temporary() -> Iterator[str]:
    try:
        folder = Path(tempfile.gettempdir())
        problem = _write_problem(folder)
    except OSError as error:
        problem = str(error.strerror or error)
    if problem:
        yield f"no folder for temporary files: {problem}\nSet TMPDIR to a folder that can be written to."


CHECKS: tuple[Callable[[], Iterator[str]], ...] = (_braces, _writing, _cache, _temporary)


def _write_problem(folder: Path) -> str:
    """Why a folder is not writable; empty if it is."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return _describe_problem(folder, error)
    return ""


def _describe_problem(folder: Path, error: OSError) -> str:
    if error.errno in disk.FULL:
        return disk.message(folder)
    return f"{folder.absolute()} cannot be written to: {REFUSED.get(error.errno or 0, error.strerror or str(error))}"


def main() -> int:
    """Print the problem of the folder; return 1 if there is one."""
    show_any_text()
    try:
        require_usable_place()
    except ConfigError as error:
        print(f"The run cannot start; no job was started.\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
