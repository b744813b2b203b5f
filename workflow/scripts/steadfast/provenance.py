"""Provenance sidecars: what an output was made from, by which code, with which versions.

They lie beside the outputs (``<output>.provenance.json``) and not inside them, so that two equal results
are equal files whatever time or machine they were made on.
"""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from steadfast.errors import DataError
from steadfast.files import read_json, sha256_tree, visible_files, write_json

_number_formats: dict[str, str] = {}
SUFFIX = ".provenance.json"
REPORTED_PACKAGES = (
    "snakemake",
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "vllm",
    "openai",
    "numpy",
    "pandas",
    "scipy",
)


def sidecar(path: str | Path) -> Path:
    """Path of the provenance file of ``path``."""
    return Path(f"{path}{SUFFIX}")


def content_hash(path: str | Path) -> str:
    """SHA-256 of an artefact; that of a directory comes from its sidecar if it has a current one.

    A checkpoint is hashed once, by its producer. Its sidecar is current while no file of the checkpoint is newer
    than it and their total size is the recorded one. Single files are small beside checkpoints and are hashed anew:
    Snakemake touches every output file when its job has ended, so that its age says nothing.
    """
    root = Path(path)
    recorded = _recorded_hash(root) if root.is_dir() else None
    return recorded or sha256_tree(root)


def note_number_format(model_dir: str | Path, name: str) -> None:
    """Remember in which number format this process runs a model; the provenance of what it makes tells it."""
    _number_formats[str(model_dir)] = name


def write_provenance(
    outputs: Iterable[str | Path],
    *,
    inputs: Iterable[str | Path],
    params: Mapping[str, Any],
    rule: str,
    seconds: float,
) -> None:
    """Write one sidecar per output.

    Args:
        outputs: files or directories that a job has just written.
        inputs: the files or directories it read.
        params: its slice of the configuration, with the digest of its code; must hold no secret.
        rule: name of the rule.
        seconds: wall-clock seconds that the job took.
    """
    hashes = {str(path): content_hash(path) for path in inputs}
    common = {
        "rule": rule,
        "params": dict(params),
        "inputs": hashes,
        "git": git_state(),
        "packages": package_versions(),
        "number_formats": dict(_number_formats),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "seconds": round(seconds, 3),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    for output in outputs:
        write_json(sidecar(output), {"sha256": sha256_tree(output), "bytes": _size(Path(output)), **common})


@cache
def git_state() -> dict[str, Any]:
    """Commit and dirty flag of the workflow's repository; ``commit`` is None outside a repository."""
    here = Path(__file__).parent
    try:
        commit = _git(here, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(here, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}


def package_versions() -> dict[str, str]:
    """Versions of the packages that this process has imported, of those that can change a result."""
    return {name: metadata.version(name) for name in REPORTED_PACKAGES if name in sys.modules and _has_metadata(name)}


def _has_metadata(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.strip()


def _recorded_hash(directory: Path) -> str | None:
    record = sidecar(directory)
    try:
        stored, written = read_json(record), record.stat().st_mtime_ns
    except (OSError, DataError):
        return None
    newest = max((file.stat().st_mtime_ns for file in visible_files(directory)), default=0)
    current = isinstance(stored, dict) and newest <= written and stored.get("bytes") == _size(directory)
    return str(stored["sha256"]) if current else None


def _size(path: Path) -> int:
    """Bytes of a file, or of the visible files below a directory."""
    return sum(file.stat().st_size for file in (visible_files(path) if path.is_dir() else [path]))
