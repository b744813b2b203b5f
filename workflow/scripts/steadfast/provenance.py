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

from steadfast.files import read_json, sha256_tree, write_json

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
    """SHA-256 of an artefact: from its sidecar if it has a current one, else from its bytes.

    Each file is hashed once, by its producer; the sidecar is trusted only while it is not older than the
    artefact.
    """
    record = sidecar(path)
    if record.is_file() and record.stat().st_mtime_ns >= _modified(Path(path)):
        recorded = read_json(record).get("sha256")
        if isinstance(recorded, str):
            return recorded
    return sha256_tree(path)


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
        "python": platform.python_version(),
        "platform": platform.platform(),
        "seconds": round(seconds, 3),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    for output in outputs:
        write_json(sidecar(output), {"sha256": sha256_tree(output), **common})


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


def _modified(path: Path) -> int:
    if path.is_dir():
        return max((file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()), default=0)
    return path.stat().st_mtime_ns
