"""Checks of paths in the configuration: one for files, and one for folders."""

import os
from difflib import get_close_matches
from pathlib import Path

from steadfast.core.errors import suggest

MOST_NAMES = 12
FILE, DIRECTORY = "file", "directory"


def file_problem(path: str) -> str:
    """Why a path is not a readable file; empty if it is."""
    return _problem(path, FILE)


def directory_problem(path: str) -> str:
    """Why a path is not a readable folder; empty if it is."""
    return _problem(path, DIRECTORY)


def _problem(path: str, wanted: str) -> str:
    if not path.strip() or "\0" in path:
        return f"{path!r} is not a path of a {wanted}"
    given = Path(path)
    try:
        if given.is_dir() if wanted == FILE else given.is_file():
            return f"no such {wanted}: {path} ({_instead(given)})"
        if given.is_file() if wanted == FILE else given.is_dir():
            return "" if os.access(given, os.R_OK) else f"{path} cannot be read: this user may not read it"
        if given.exists():
            return f"no such {wanted}: {path} (it is neither a file nor a folder)"
        if given.is_symlink():
            return f"no such {wanted}: {path} (it is a link to {os.readlink(given)}, which does not exist)"
        return f"no such {wanted}: {path}{_nearest(given, wanted)}"
    except OSError as error:
        return f"no such {wanted}: {path[:100]} ({error.strerror})"


def _instead(given: Path) -> str:
    if given.is_file():
        return "it is a file, and a folder is needed"
    names = _names(given, FILE)[:MOST_NAMES]
    return f"it is a folder, and a file is needed{suggest('', names) if names else ''}"


def _nearest(given: Path, wanted: str) -> str:
    if not given.parent.is_dir():
        return f" (the folder {given.parent} does not exist)"
    names = _names(given.parent, wanted)
    # for a large folder, only some names are shown, including the nearest
    near = get_close_matches(given.name.casefold(), names)
    return suggest(given.name, {*near, *names[: MOST_NAMES - len(near)]}) if names else ""


def _names(folder: Path, wanted: str) -> list[str]:
    return sorted(item.name for item in folder.iterdir() if item.is_dir() == (wanted == DIRECTORY))
