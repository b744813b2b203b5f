"""The example plug-in, installed as a user would install it."""

import subprocess
import sys
from pathlib import Path

from steadfast.config import schema
from steadfast.core import code_digest, registry

EXAMPLE = Path(__file__).parent / "example_plugin"


def install_example(target: Path) -> Path:
    """Install it into a folder of packages, without a network."""
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--no-compile"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", str(target), str(EXAMPLE)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def forget_code() -> None:
    """What a new process would not know about files of code."""
    for known in vars(code_digest).values():
        if hasattr(known, "cache_clear"):
            known.cache_clear()


def forget_plug_ins() -> None:
    """What a new process would not know about plug-ins and code."""
    forget_code()
    for known in (registry._entry_points, registry.own_names, registry.plug_ins, schema.load_schema):
        known.cache_clear()
