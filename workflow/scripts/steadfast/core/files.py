"""Reading and writing files so that a crash, a kill or a full disk never leaves an incomplete result."""

import fcntl
import glob
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadfast.core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

# suffix of a temporary file or folder after its target's name; for a sidecar, after the rest of its name
_TEMPORARY = re.compile(r"(provenance\.json\.)?(old\.)?[a-z0-9_]{8}(\.\w+)?")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is fsynced and renamed to ``path``.

    On any exception the temporary file is removed and ``path`` is unchanged.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=target.suffix)
    temporary = Path(name)
    try:
        _mark_as_used(handle)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        _fsync(temporary)
        temporary.replace(target)
        _fsync(target.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


@contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yield an empty directory beside ``path``; on success its files are fsynced and it replaces ``path``.

    On any exception the temporary directory is removed and ``path`` is unchanged.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _used_folder(target, f".{target.name}.") as temporary:
        yield temporary
        commit_directory(temporary, target)


def commit_directory(temporary: Path, target: Path) -> None:
    """Fsync every file below ``temporary`` and rename it to ``target``, which it replaces.

    An existing target is renamed before it is deleted, so that after a kill ``target`` is complete or absent. Files get
    the permissions of the umask, since some libraries write files that only the owner can read.
    """
    umask = _umask()
    temporary.chmod(0o777 & ~umask)
    for file in sorted(temporary.rglob("*")):
        if file.is_file() and not file.is_symlink():
            file.chmod(file.stat().st_mode | (0o666 & ~umask))
        _fsync(file)
    _fsync(temporary)
    with _used_folder(target, f".{target.name}.old.") as old:
        if target.exists() or target.is_symlink():
            target.rename(old / target.name)
        temporary.rename(target)
        _fsync(target.parent)


def remove_abandoned(targets: Iterable[str | Path]) -> None:
    """Remove temporary files and folders of targets, and of their sidecars, that no process writes any more.

    A killed process leaves such files. Those of a live process are locked, on any machine; on a file system without
    locks nothing is removed.
    """
    for target in map(Path, targets):
        for place in target.parent.glob(f".{glob.escape(target.name)}.*"):
            if _TEMPORARY.fullmatch(place.name.removeprefix(f".{target.name}.")) and _is_abandoned(place):
                shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys, atomically."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: the file is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not valid JSON: {error}") from error


def write_table(path: str | Path, table: "pd.DataFrame") -> None:
    """Write a table atomically, as Parquet or CSV by the suffix of ``path``; the index is dropped."""
    with atomic_path(path) as temporary:
        if Path(path).suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False, lineterminator="\n")


def write_matrix(path: str | Path, matrix: "pd.DataFrame") -> None:
    """Write a matrix with its row and column names as CSV, atomically."""
    with atomic_path(path) as temporary:
        matrix.to_csv(temporary, lineterminator="\n")


def read_table(path: str | Path) -> "pd.DataFrame":
    """Read a Parquet or CSV table by the suffix of ``path``.

    Raises:
        DataError: the file is not of the format of its suffix.
    """
    import pandas as pd  # imported here, since it takes half a second and most processes do not need it

    try:
        return pd.read_parquet(path) if Path(path).suffix == ".parquet" else pd.read_csv(path)
    except (ValueError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise DataError(f"cannot read {path}: {error}") from error


def require_columns(table: "pd.DataFrame", columns: list[str], where: str | Path) -> "pd.DataFrame":
    """Return ``table`` if it has all ``columns``.

    Raises:
        DataError: columns are missing; the message names them and those that were found.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DataError(f"{where}: missing column(s) {', '.join(missing)}; found {', '.join(map(str, table.columns))}")
    return table


def sha256_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def visible_files(directory: str | Path) -> list[Path]:
    """Sorted paths of all files below a directory, without hidden files and folders.

    Workflow engines and editors put bookkeeping into hidden ones.
    """
    root = Path(directory)
    files = (file for file in root.rglob("*") if file.is_file())
    return sorted(file for file in files if not any(part.startswith(".") for part in file.relative_to(root).parts))


def stored_bytes(directory: str | Path) -> int:
    """Bytes on the disk of all files below a directory, also during concurrent writes; 0 if it does not exist."""
    found = 0
    for file in Path(directory).rglob("*"):
        try:
            # blocks, since a file may get its size before its content
            found += file.lstat().st_blocks * 512 if file.is_file() else 0
        except FileNotFoundError:  # renamed or removed meanwhile
            continue
    return found


def sha256_tree(path: str | Path) -> str:
    """SHA-256 of a file, or of the sorted relative names and contents of the visible files below a directory.

    Raises:
        FileNotFoundError: there is nothing at ``path``.
    """
    root = Path(path)
    if not root.is_dir():
        return sha256_file(root)
    digest = hashlib.sha256()
    for file in visible_files(root):
        digest.update(f"{file.relative_to(root).as_posix()}\0{sha256_file(file)}\n".encode())
    return digest.hexdigest()


@contextmanager
def _used_folder(target: Path, prefix: str) -> Iterator[Path]:
    """Context with a new folder next to ``target``, which is removed on exit if it still exists."""
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=prefix))
    handle = os.open(temporary, os.O_RDONLY)
    try:
        _mark_as_used(handle)
        yield temporary
    finally:
        os.close(handle)
        shutil.rmtree(temporary, ignore_errors=True)


def _mark_as_used(handle: int) -> None:
    """Lock an open file or folder; the system releases the lock when this process ends in any way."""
    # some network file systems have no locks
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_abandoned(place: Path) -> bool:
    try:
        handle = os.open(place, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(handle)
    except OSError:
        return False
    return True


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
