"""The example plug-in, installed as a user would install it."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

from steadfast.config import schema
from steadfast.core import code_digest, registry, setting_schemas

EXAMPLE = Path(__file__).parent / "example_plugin"


def install_example(target: Path) -> Path:
    """Install it into a folder of packages, without a network."""
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--no-compile"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", str(target), str(EXAMPLE)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def forget_code() -> None:
    """What a new process would not know about files of code."""
    _forget(code_digest)


def forget_plug_ins() -> None:
    """What a new process would not know about plug-ins and code."""
    for module in (code_digest, registry, schema, setting_schemas):
        _forget(module)


def _forget(module: ModuleType) -> None:
    """Clear the caches of all functions of a module."""
    for known in vars(module).values():
        if hasattr(known, "cache_clear"):
            known.cache_clear()
