"""Provenance sidecars: inputs, code and package versions of every output.

They are separate files (``<output>.provenance.json``), so that equal results are equal files, regardless of time and
machine.
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

from steadfast.core.files import write_json
from steadfast.core.integrity import look_at, sidecar
from steadfast.core.locations import INSTALLED, PACKAGE

_number_formats: dict[str, str] = {}
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


def note_number_format(model_dir: str | Path, name: str) -> None:
    """Record the number format in which this process runs a model, for the provenance of its outputs."""
    _number_formats[str(model_dir)] = name


def write_provenance(
    outputs: Iterable[str | Path],
    *,
    inputs: Mapping[str, str],
    params: Mapping[str, Any],
    rule: str,
    seconds: float,
    threads: int = 1,
) -> None:
    """Write one sidecar per output.

    Args:
        outputs: files or directories that a job has just written.
        inputs: hashes of the files or directories it read, by path.
        params: its slice of the configuration, with the digest of its code; must hold no secret.
        rule: name of the rule.
        seconds: wall-clock seconds that the job took.
        threads: threads that it had.
    """
    common = {
        "rule": rule,
        "params": dict(params),
        "inputs": dict(inputs),
        "git": git_state(),
        "packages": package_versions(),
        "number_formats": dict(_number_formats),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "seconds": round(seconds, 3),
        "threads": threads,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    for output in outputs:
        write_json(sidecar(output), {**look_at(output).record(), **common})


@cache
def git_state() -> dict[str, Any]:
    """Commit and dirty flag of the workflow's repository; ``commit`` is None outside a repository."""
    here = PACKAGE
    if INSTALLED:  # the environment may be inside another repository
        return {"commit": None, "dirty": None}
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
