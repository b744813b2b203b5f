"""Copies of a tree that tests use one after the other: what a test has changed is put back for the next one.

Copying 1,500 files for every dry run would take half as long as the dry run.
"""

import os
import shutil
from pathlib import Path

Times = dict[str, tuple[int, ...]]


def copy_tree(template: Path, folder: Path) -> Path:
    """A copy of a tree, which shares the weights that ship: 40 MB, which no test changes."""
    return Path(shutil.copytree(template, folder, copy_function=_copy))


def _copy(source: str, target: str) -> None:
    (os.link if source.endswith(".safetensors") else shutil.copy2)(source, target)


class Place:
    """A folder in which the trees of tests lie, one at a time, while the others are beside it.

    Args:
        folder: the folder, which is there only while a tree is in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._beside: dict[Path, Path] = {}
        self._times: dict[Path, Times] = {}
        self._inside: Path | None = None

    def put(self, template: Path) -> Path:
        """Put a tree here that is as a template is, but for the times of changes that nobody can set."""
        self.clear()
        beside = self._beside.setdefault(template, self.folder.with_name(f"beside {len(self._beside)}"))
        if beside.exists():
            beside.rename(self.folder)
            put_back(self.folder, template, self._times[template])
        else:
            copy_tree(template, self.folder)
        self._times[template] = times_of(self.folder)
        self._inside = template
        return self.folder

    def clear(self) -> None:
        """Put the tree that is here beside, for the next test."""
        if self._inside and self.folder.exists():
            self.folder.rename(self._beside[self._inside])
        self._inside = None


def times_of(folder: Path) -> Times:
    """When every file was changed, its content or anything else of it, which no program can set back.

    Returns:
        Times in nanoseconds, and sizes, by the path below ``folder``; nothing of folders.
    """
    found: Times = {}
    start, pending = len(os.path.join(folder, "")), [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    found[entry.path[start:]] = ()
                    if not entry.is_symlink():
                        pending.append(entry.path)
                else:
                    status = entry.stat(follow_symlinks=False)
                    found[entry.path[start:]] = (status.st_ctime_ns, status.st_mtime_ns, status.st_size)
    return found


def put_back(folder: Path, template: Path, times: Times) -> None:
    """Make a tree like its template again.

    Args:
        folder: the tree.
        template: what it was a copy of.
        times: those of the copy, before it was changed.
    """
    now = times_of(folder)
    for path in now.keys() - times.keys():
        _remove(folder / path)
    for path in sorted(path for path in times if now.get(path) != times[path]):
        _remove(folder / path)
        if (template / path).is_dir():
            (folder / path).mkdir()
        else:
            _copy(str(template / path), str(folder / path))
    for path in ["", *(path for path in times if not times[path])]:
        ours, theirs = os.stat(folder / path), os.stat(template / path)
        if (ours.st_mtime_ns, ours.st_mode) != (theirs.st_mtime_ns, theirs.st_mode):
            shutil.copystat(template / path, folder / path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
