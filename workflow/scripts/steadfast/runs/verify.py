"""Check all results against their provenance: ``python -m steadfast.runs.verify`` (``make verify``).

Every file, of any size, is hashed and compared with its record; so are the recorded inputs of every result with the
current ones. With ``--repair`` (``make repair``), changed results and everything that depends on them are removed, so
that the next run creates them again: Snakemake does not recreate a missing file while files created from it exist.
"""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steadfast.core.command import run_command
from steadfast.core.command_line import run_command_line
from steadfast.core.errors import DataError
from steadfast.core.files import read_json, sha256_tree
from steadfast.core.integrity import SUFFIX, changes, in_short, look_at, recorded, sidecar

RESULTS = "results"
REPAIR = "--repair"
NEVER = sys.maxsize


@dataclass
class Findings:
    """What was found of all results.

    Attributes:
        checked: number of results that are there.
        gone: results that have been removed.
        problems: problems of the others, by path.
    """

    checked: int = 0
    gone: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def verify(folder: str | Path = RESULTS) -> Findings:
    """Compare every result below ``folder`` with its sidecar, and with its inputs."""
    found = Findings()
    hashes: dict[str, str | None] = {}
    for record in sorted(Path(folder).rglob(f"*{SUFFIX}")):
        path = str(record).removesuffix(SUFFIX)
        if not Path(path).exists():
            found.gone.append(path)
            continue
        found.checked += 1
        problem = next(_problems(path, hashes), "")
        if problem:
            found.problems[path] = problem
        for name in _without_record(folder, record):
            found.checked += name not in found.problems
            found.problems[name] = "its record is missing, so that a change could not be seen"
    return found


def _without_record(folder: str | Path, record: Path) -> Iterator[str]:
    """Inputs of a result that are results themselves but have no record."""
    for name in _inputs(record):
        path = Path(name)
        if Path(folder) in path.parents and path.exists() and not sidecar(path).exists():
            yield name


def describe(found: Findings) -> list[str]:
    """Message to the user, line by line."""
    right = found.checked - len(found.problems)
    lines = [f"{right} of {found.checked} results are as they were made, from the inputs that there are now."]
    if found.gone:
        lines.append(f"{len(found.gone)} were removed since, as edited checkpoints may be; a run makes what it needs.")
    if found.problems:
        lines += ["", *(f"{path}: {problem}" for path, problem in found.problems.items())]
        lines += ["", "To remove them and what was made from them, and to make all of it again:"]
        lines += [f"  make repair && {run_command()}"]
    return lines


def repair(found: Findings, folder: str | Path = RESULTS) -> list[str]:
    """Remove results that are not as they were made, and those that were made from them.

    Returns:
        The paths of what was removed.
    """
    inputs = {str(record).removesuffix(SUFFIX): _inputs(record) for record in Path(folder).rglob(f"*{SUFFIX}")}
    removed, waiting = set[str](), list(found.problems)
    while waiting:
        path = waiting.pop()
        if path not in removed:
            removed.add(path)
            waiting += [other for other, used in inputs.items() if path in used]
    for path in removed:
        shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink(missing_ok=True)
        sidecar(path).unlink(missing_ok=True)
    return sorted(removed)


def _problems(path: str, hashes: dict[str, str | None]) -> Iterator[str]:
    """Problem of one result; ``hashes`` caches the hashes of inputs."""
    made = recorded(path)
    if made is None:
        yield f"its record {sidecar(path)} is damaged"
        return
    differences = list(changes(made, look_at(path, made, large=NEVER)))
    if differences:
        yield f"changed since it was made: {in_short(differences)}"
    for name, used in _inputs(sidecar(path)).items():
        if name not in hashes:
            hashes[name] = _hash_of(name)
        if hashes[name] not in (None, used):
            yield f"was made from another {name} than there is now"


def _inputs(record: Path) -> dict[str, str]:
    """Recorded hashes of a result's inputs, by path; empty if its record cannot be read."""
    try:
        stored: Any = read_json(record)
        return dict(stored.get("inputs") or {})
    except (DataError, AttributeError, ValueError):
        return {}


def _hash_of(path: str) -> str | None:
    """Recorded hash of an input, or else its current one; None if it is missing."""
    if recorded(path) is not None:
        return str(read_json(sidecar(path))["sha256"])
    return sha256_tree(path) if Path(path).exists() else None


def main(arguments: list[str]) -> int:
    """Verify the results, and repair them if asked for.

    Args:
        arguments: a folder other than ``results``, ``--repair``.

    Returns:
        0, or 1 if any result has changed and nothing was repaired.

    Raises:
        DataError: an option is unknown, or there is no such folder.
    """
    options = [argument for argument in arguments if argument.startswith("-")]
    if options not in ([], [REPAIR]) or len(arguments) - len(options) > 1:
        raise DataError(f"usage: python -m steadfast.runs.verify [FOLDER] [{REPAIR}]")
    folder = next((argument for argument in arguments if argument != REPAIR), RESULTS)
    if not Path(folder).is_dir():
        raise DataError(f"there is no folder {folder} in {Path.cwd()}; a run writes results")
    found = verify(folder)
    if not found.checked and not found.gone:
        print(f"{folder} holds no results yet.")
        return 0
    if REPAIR in arguments:
        removed = repair(found, folder)
        print("\n".join([f"{len(removed)} results were removed; a run makes them again.", *removed]))
        return 0
    print("\n".join(describe(found)))
    return 1 if found.problems else 0


if __name__ == "__main__":
    run_command_line(lambda: main(sys.argv[1:]))
