"""Locations of the package and its data files, in a checkout and in an installed wheel.

In a checkout these files are those of the repository. A wheel contains the files that are read at run time (phrase
lists, prompt templates, page assets, the lock of data packages) inside the package, under the same relative paths:
``[tool.hatch.build.targets.wheel.force-include]`` of ``pyproject.toml`` lists them.
"""

import tempfile
from atexit import register
from functools import cache
from pathlib import Path
from shutil import rmtree

PACKAGE = Path(__file__).resolve().parents[1]
SCRIPTS = PACKAGE.parent
_IN_WHEEL = PACKAGE / "_project"
INSTALLED = _IN_WHEEL.is_dir()
"""Whether the package was installed from a wheel; the workflow's rules and scripts are in a checkout only."""
PROJECT = _IN_WHEEL if INSTALLED else SCRIPTS.parents[1]


def project_file(path: str | Path) -> Path:
    """A file of the user, or the bundled file of this name.

    Args:
        path: a path; ``resources/...`` that is not in the working directory refers to the bundled file.

    Returns:
        The path itself if it exists or there is no bundled file of that name.
    """
    given = Path(path).expanduser()
    shipped = PROJECT / given
    return shipped if not given.exists() and shipped.exists() else given


@cache
def import_path() -> Path:
    """A folder with only this package, for interpreters of other environments."""
    if not INSTALLED:
        return SCRIPTS
    folder = Path(tempfile.mkdtemp(prefix="steadfast-"))
    register(rmtree, folder, ignore_errors=True)
    (folder / PACKAGE.name).symlink_to(PACKAGE)
    return folder
