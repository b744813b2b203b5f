"""Integrity of results: comparison of their content with the records in their sidecars.

A sidecar (``<output>.provenance.json``) holds the hash, size and modification time of every file of its output. Files
are hashed again before they are read; large ones (checkpoints, activations) only if their size or time differs (a copy
may change the time of equal files). ``steadfast.runs.verify`` hashes everything.

A linked checkpoint outside the results is recorded and compared in the same way.
"""

import hashlib
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from steadfast.core.command import run_command
from steadfast.core.errors import DataError
from steadfast.core.files import read_json, sha256_file, visible_files, write_json

SUFFIX = ".provenance.json"
# file of a model directory, written by models/pointer.py, which depends on this module
POINTER = "model.json"
# bytes; hashing smaller files takes about as long as opening them
LARGE = 1 << 26
CHANGES_NAMED = 3


@dataclass(frozen=True)
class FileState:
    """State of a file when it was hashed.

    Attributes:
        sha256: hash of its content, as hex.
        bytes: its size.
        modified: modification time in nanoseconds since the epoch.
    """

    sha256: str
    bytes: int
    modified: int


@dataclass(frozen=True)
class Artifact:
    """A file or directory, with the states of its files.

    Attributes:
        files: states by name relative to the directory; of a single file, by the empty name.
        elsewhere: states by absolute path of the files of a linked checkpoint.
    """

    files: Mapping[str, FileState]
    elsewhere: Mapping[str, FileState]

    @property
    def sha256(self) -> str:
        """Hash of the content; the same as ``files.sha256_tree``."""
        if set(self.files) == {""}:
            return self.files[""].sha256
        digest = hashlib.sha256()
        for name, state in self.files.items():
            digest.update(f"{name}\0{state.sha256}\n".encode())
        return digest.hexdigest()

    @property
    def bytes(self) -> int:
        """Size of all files of the artifact, without a linked checkpoint."""
        return sum(state.bytes for state in self.files.values())

    def record(self) -> dict[str, Any]:
        """Its record in a sidecar."""
        files = {key: {name: asdict(state) for name, state in getattr(self, key).items()} for key in _PARTS}
        return {"sha256": self.sha256, "bytes": self.bytes, **files}


_PARTS = ("files", "elsewhere")


def sidecar(path: str | Path) -> Path:
    """Path of the provenance file of ``path``."""
    return Path(f"{path}{SUFFIX}")


def remove_records(paths: Iterable[str | Path]) -> None:
    """Remove the sidecars of results that will be created again."""
    for path in paths:
        sidecar(path).unlink(missing_ok=True)


def look_at(path: str | Path, known: Artifact | None = None, *, large: int | None = None) -> Artifact:
    """Hash a file or directory.

    Args:
        path: its path.
        known: its record; a large file whose size and time match the record is not hashed again. Without a record,
            linked files are assumed to have the hashes in the model directory.
        large: size in bytes from which a file is large; ``LARGE`` by default.

    Raises:
        FileNotFoundError: there is nothing at ``path``.
    """
    root = Path(path)
    files = {file.relative_to(root).as_posix(): file for file in visible_files(root)} if root.is_dir() else {"": root}
    kept = known or Artifact({}, {})
    large = LARGE if large is None else large
    return Artifact(
        {name: _state(file, kept.files.get(name), large) for name, file in files.items()},
        {
            str(file): _state(file, kept.elsewhere.get(str(file)), large) if known else _stated(file, sha256)
            for file, sha256 in _pointed_to(root).items()
        },
    )


def content_hash(path: str | Path) -> str:
    """SHA-256 of an artifact's content; large files that match their record are not hashed again."""
    return look_at(path, recorded(path)).sha256


def recorded(path: str | Path) -> Artifact | None:
    """Records of an artifact's files in its sidecar; None without a readable one."""
    try:
        stored = read_json(sidecar(path))
        files, elsewhere = (
            {
                str(name): FileState(str(item["sha256"]), int(item["bytes"]), int(item["modified"]))
                for name, item in part
            }
            for part in (stored[key].items() for key in _PARTS)
        )
    except (OSError, DataError, AttributeError, KeyError, TypeError, ValueError):
        return None
    return Artifact(files, elsewhere)


def require_as_made(paths: Iterable[str | Path]) -> dict[str, Artifact]:
    """Check that results have not changed since they were created.

    Files without a sidecar are external and cannot be compared; an unreadable sidecar counts as a change.

    Args:
        paths: files and directories that exist.

    Returns:
        The artifacts, by path.

    Raises:
        DataError: some have changed; the message says what changed, and how to create them again.
    """
    seen: dict[str, Artifact] = {}
    changed: dict[str, str] = {}
    for path in dict.fromkeys(map(str, paths)):
        made = recorded(path)
        seen[path] = look_at(path, made)
        differences = list(changes(made, seen[path])) if made else list(_damaged_record(path))
        if differences:
            changed[path] = in_short(differences)
        elif made:
            _remember_times(path, made, seen[path])
    if changed:
        raise DataError(message(changed))
    return seen


def _damaged_record(path: str) -> Iterator[str]:
    """Whether there is an unreadable record, e.g. after a full disk or an edit."""
    record = sidecar(path)
    if not record.is_file():
        return
    try:
        whole = isinstance(read_json(record), dict)
    except (OSError, DataError):
        whole = False
    if not whole:
        yield f"its record {record} is damaged"


def require_as_made_at_a_glance(paths: Iterable[str | Path]) -> None:
    """The same before a run; large files of which only the time differs are checked by the jobs that read them."""
    require_as_made(path for path in paths if Path(path).exists() and not _takes_long(path))


def require_unchanged(seen: Mapping[str, Artifact]) -> None:
    """Check that inputs have not changed since a job began to read them.

    Raises:
        DataError: an input has changed.
    """
    for path, before in seen.items():
        now = look_at(path, before, large=0) if Path(path).exists() else Artifact({}, {})
        differences = list(changes(before, now))
        if differences:
            raise DataError(
                f"{path} changed while this step was reading it: {in_short(differences)}\n"
                "Its results were not kept. See that nothing else writes there, and run again."
            )


def changes(made: Artifact, found: Artifact) -> Iterator[str]:
    """Differences of an artifact from its record, one phrase per file."""
    for part in _PARTS:
        before, after = getattr(made, part), getattr(found, part)
        for name, state in before.items():
            what = f"{name} " if name else ""
            if name not in after:
                yield f"{what}is missing"
            elif after[name].bytes != state.bytes:
                yield f"{what}has {after[name].bytes:,} bytes, and had {state.bytes:,}"
            elif after[name].sha256 != state.sha256:
                yield f"{what}has another content of the same size"
        yield from (f"{name} was added" for name in after if name not in before)


def remake_command(paths: Iterable[str]) -> str:
    """The shell command that creates results again."""
    return f"rm -r {' '.join(map(shlex.quote, paths))} && {run_command()}"


def message(changed: Mapping[str, str]) -> str:
    """Message to the user about changed results, by path, and how to create them again."""
    if len(changed) == 1:
        (path, what), *_ = changed.items()
        first = [f"{path} changed since it was made{_maker(path)}: {what}"]
    else:
        first = [f"{len(changed)} results changed since they were made:"]
        first += [f"  {path}{_maker(path)}: {what}" for path, what in changed.items()]
    return "\n".join([*first, "Nothing was computed from it. To make it again:", f"  {remake_command(changed)}"])


def _maker(path: str) -> str:
    """The rule that created a result, and the time."""
    try:
        stored = read_json(sidecar(path))
        return f" (by {stored['rule']}, {stored['finished']})"
    except (OSError, DataError, KeyError, TypeError):
        return ""


def in_short(differences: Sequence[str]) -> str:
    """The first of some differences."""
    more = len(differences) - CHANGES_NAMED
    return "; ".join([*differences[:CHANGES_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _state(file: Path, known: FileState | None, large: int) -> FileState:
    stat = file.stat()
    same = known is not None and (stat.st_size, stat.st_mtime_ns) == (known.bytes, known.modified)
    if known is not None and same and stat.st_size >= large:
        return known
    return FileState(sha256_file(file), stat.st_size, stat.st_mtime_ns)


def _takes_long(path: str | Path) -> bool:
    """Whether a large file must be hashed to check for changes."""
    made = recorded(path)
    if made is None:
        return False
    states = [(Path(path, name) if name else Path(path), state) for name, state in made.files.items()]
    states += [(Path(name), state) for name, state in made.elsewhere.items()]
    for file, state in states:
        stat = file.stat() if file.exists() else None
        if stat and stat.st_size == state.bytes >= LARGE and stat.st_mtime_ns != state.modified:
            return True
    return False


def _remember_times(path: str, known: Artifact, found: Artifact) -> None:
    """Record the times of unchanged large files, so that they are not hashed again."""
    newer = (
        found_states[name].modified != state.modified
        for known_states, found_states in ((known.files, found.files), (known.elsewhere, found.elsewhere))
        for name, state in known_states.items()
        if state.bytes >= LARGE
    )
    if any(newer):
        # results of another user may be readable but not writable
        with suppress(OSError):
            write_json(sidecar(path), {**read_json(sidecar(path)), **found.record()})


def _stated(file: Path, sha256: str) -> FileState:
    stat = file.stat()
    return FileState(sha256, stat.st_size, stat.st_mtime_ns)


def _pointed_to(root: Path) -> dict[Path, str]:
    """Files of a linked checkpoint outside the results, with the hashes in the model directory."""
    if not (root / POINTER).is_file():
        return {}
    pointer = read_json(root / POINTER)
    try:
        place, named = Path(pointer["path"]), dict(pointer["files"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{root / POINTER} has unexpected fields: {error}") from error
    files = {place / name: sha256 for name, sha256 in named.items()} if place.is_absolute() else {}
    return {file: sha256 for file, sha256 in files.items() if file.is_file()}
