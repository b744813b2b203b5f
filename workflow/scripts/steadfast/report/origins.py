"""Origins of the results, from their provenance sidecars."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.core.files import read_json
from steadfast.core.integrity import sidecar

SHORT = 12


@dataclass(frozen=True)
class Record:
    """Provenance of one file or directory; see ``steadfast.core.provenance.write_provenance``."""

    path: str
    rule: str
    sha256: str
    commit: str
    dirty: bool
    seconds: float
    finished: str
    python: str
    packages: dict[str, str]
    settings: dict[str, Any]
    number_formats: dict[str, str] = field(default_factory=dict)


def read_records(paths: Iterable[str | Path]) -> list[Record]:
    """Provenance of those of the files that have any (an edited checkpoint may have been removed since)."""
    return [_record(str(path), read_json(sidecar(path))) for path in paths if sidecar(path).is_file()]


def stages(records: Sequence[Record]) -> pd.DataFrame:
    """One row per rule: how many files, by which code, in how many seconds, and until when.

    Returns:
        Columns rule, files, commits, seconds, finished; ``seconds`` adds up jobs, each of which may have made several
        files.
    """
    rows = []
    for rule in dict.fromkeys(record.rule for record in records):
        chosen = [record for record in records if record.rule == rule]
        jobs = {(record.seconds, record.finished) for record in chosen}
        rows.append(
            {
                "rule": rule,
                "files": len(chosen),
                "commits": ", ".join(dict.fromkeys(_state(record) for record in chosen)),
                "seconds": round(sum(seconds for seconds, _ in jobs), 1),
                "finished": max(record.finished for record in chosen),
            }
        )
    return pd.DataFrame(rows, columns=["rule", "files", "commits", "seconds", "finished"])


def artifacts(records: Sequence[Record]) -> pd.DataFrame:
    """One row per file: path, the beginning of its hash, the code that made it, seconds."""
    rows = [(record.path, record.rule, record.sha256[:SHORT], _state(record), record.seconds) for record in records]
    return pd.DataFrame(rows, columns=["path", "rule", "sha256", "commit", "seconds"])


def states(records: Sequence[Record]) -> list[str]:
    """Distinct states of the code that made the files, the most frequent first."""
    return [state for state, _ in Counter(_state(record) for record in records).most_common()]


def versions(records: Sequence[Record]) -> dict[str, list[str]]:
    """Versions of every package that the jobs used, Python among them."""
    found: dict[str, set[str]] = {}
    for record in records:
        for package, version in {"python": record.python, **record.packages}.items():
            found.setdefault(package, set()).add(version)
    return {package: sorted(found[package]) for package in sorted(found)}


def mixed_formats(records: Sequence[Record]) -> dict[str, list[str]]:
    """Models that one kind of step ran in more than one number format, edited variants included, and those formats.

    Steps of one kind are what is compared: the responses of an original and of its edited variant, for example.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for record in records:
        for directory, name in record.number_formats.items():
            found.setdefault((record.rule, _model(directory)), set()).add(name)
    mixed: dict[str, set[str]] = {}
    for (_, model), names in found.items():
        if len(names) > 1:
            mixed[model] = mixed.get(model, set()) | names
    return {model: sorted(mixed[model]) for model in sorted(mixed)}


def _model(directory: str) -> str:
    """Name of the model whose directory, or whose edited checkpoint's, this is."""
    parts = Path(directory).parts
    place = next((index for index, part in enumerate(parts) if part in ("models", "checkpoints")), -2)
    return parts[place + 1]


def _state(record: Record) -> str:
    commit = record.commit[:SHORT] or "no repository"
    return f"{commit} + changes" if record.dirty else commit


def _record(path: str, stored: dict[str, Any]) -> Record:
    return Record(
        path=path,
        rule=str(stored["rule"]),
        sha256=str(stored["sha256"]),
        commit=str(stored["git"]["commit"] or ""),
        dirty=bool(stored["git"]["dirty"]),
        seconds=float(stored["seconds"]),
        finished=str(stored["finished"]),
        python=str(stored["python"]),
        packages=dict(stored["packages"]),
        settings=dict(stored["params"].get("settings") or {}),
        number_formats=dict(stored.get("number_formats") or {}),
    )
