"""Full disks: detecting them as the cause of a failure, and what may be removed."""

import errno
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from steadfast.core.units import in_units

# exit status of a job that failed because the disk was full (EX_IOERR), since its log may not show it
STATUS = 74
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# messages of libraries in other languages
WORDS = re.compile(
    r"no space left on device|disk is full|disk quota exceeded|\b(os error|errno) (28|122)\b", re.IGNORECASE
)
# bytes; if less is free, a failed write is attributed to the full disk
LITTLE = 1 << 20
LARGEST_NAMED = 3


def cause_of(error: BaseException, places: Iterable[str | Path]) -> str:
    """Message to the user if a full disk is the cause of an error; empty if it is not.

    Args:
        error: the error; its causes are checked too.
        places: paths that were written to, most likely first.
    """
    chain = list(_chain(error))
    named = [str(each.filename) for each in chain if isinstance(each, OSError) and each.filename]
    outputs = [str(place) for place in places]
    reported = any((isinstance(each, OSError) and each.errno in FULL) or WORDS.search(str(each)) for each in chain)
    # some libraries do not report why a write failed
    if not reported and not (isinstance(error, OSError | RuntimeError) and any(map(_has_little, outputs))):
        return ""
    candidates = [*named, *outputs, *_temporary()]
    return message(next((place for place in candidates if _has_little(place)), candidates[0]))


def says_full(text: str) -> bool:
    """Whether a text says that a disk is full."""
    return WORDS.search(text) is not None


def message(path: str | Path) -> str:
    """Message to the user about a full disk: where, how much is free, and what may be removed."""
    place = existing(path)
    state = os.statvfs(place)
    free, size = state.f_bavail * state.f_frsize, state.f_blocks * state.f_frsize
    left = f"{in_units(free)} of {in_units(size)} free"
    if state.f_files and not state.f_favail:
        left += ", and no file can be added (no inode is free)"
    elif free >= LITTLE:
        left += " by now; it was full, or a quota was reached"
    lines = [f"disk full: {Path(path).absolute()} could not be written ({left})"]
    largest = [f"{name} {in_units(size)}" for name, size in _largest(place)]
    if largest:
        lines.append(f"Free space there. The largest folders of this run: {', '.join(largest)}.")
    else:
        lines.append("Free space there.")
    lines.append(
        "results/checkpoints may be removed (a run makes again what it needs); `runtime: {keep_checkpoints: false}` "
        "keeps no edited checkpoint longer than it is needed."
    )
    return "\n".join(lines)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def existing(path: str | Path) -> Path:
    """The path, or its nearest existing parent folder."""
    place = Path(path).absolute()
    return next(each for each in (place, *place.parents) if each.exists())


def _temporary() -> list[str]:
    # it is an error to ask for it where there is none
    with suppress(OSError):
        return [tempfile.gettempdir()]
    return []


def _has_little(path: str | Path) -> bool:
    with suppress(OSError):
        state = os.statvfs(existing(path))
        return state.f_bavail * state.f_frsize < LITTLE or bool(state.f_files and not state.f_favail)
    return False


def _largest(place: Path) -> list[tuple[str, int]]:
    """The largest folders of this run on the same disk as a path, with their sizes in bytes."""
    folders = [*Path("results").glob("*"), Path(".snakemake"), Path(".venv"), Path(".venv-vllm")]
    device = place.stat().st_dev
    sizes = [(str(folder), _size(folder)) for folder in folders if folder.is_dir() and folder.stat().st_dev == device]
    return [each for each in sorted(sizes, key=lambda each: -each[1])[:LARGEST_NAMED] if each[1]]


def _size(folder: Path) -> int:
    total = 0
    for root, _, files in os.walk(folder):
        for file in files:
            with suppress(OSError):
                total += os.lstat(os.path.join(root, file)).st_blocks * 512
    return total
