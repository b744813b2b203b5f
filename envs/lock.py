"""Resolve ``envs/*.in`` into exact pins, and write the conda environments that carry the same pins.

    python envs/lock.py              resolve everything anew
    python envs/lock.py --render     only write envs/*.yaml from the locks that are there

An environment is resolved by installing it: a fresh virtual environment, pip, and a list of what came. Local
version suffixes (``+cpu``) are dropped, so that pip's own settings choose the build, and so are the CUDA
packages that only one of torch's builds asks for.
"""

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = "3.11"
ACCELERATOR_PACKAGES = re.compile(r"(nvidia-|cuda-|triton)")
CONDA_ENVIRONMENTS = {"base": "base"}


def main() -> None:
    """Resolve the environments (unless told not to) and render the conda files."""
    if "--render" not in sys.argv:
        base = resolve("base.in")
        (HERE / "base.lock.txt").write_text(lock_text("base.in", base), encoding="utf-8")
        extra = [pin for pin in resolve("base.in", "dev.in") if pin not in base]
        (HERE / "dev.lock.txt").write_text(lock_text("dev.in", extra), encoding="utf-8")
    for name, lock in CONDA_ENVIRONMENTS.items():
        (HERE / f"{name}.yaml").write_text(conda_text(name, HERE / f"{lock}.lock.txt"), encoding="utf-8")


def resolve(*requirements: str) -> list[str]:
    """Pins of everything that pip installs for the given requirement files."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        files = [argument for name in requirements for argument in ("-r", str(HERE / name))]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *files], check=True)
        frozen = subprocess.run([python, "-m", "pip", "freeze"], check=True, capture_output=True, text=True).stdout
    pins = [re.sub(r"\+\S+", "", line) for line in frozen.splitlines()]
    return [pin for pin in pins if "==" in pin and not ACCELERATOR_PACKAGES.match(pin)]


def lock_text(source: str, pins: list[str]) -> str:
    """Content of a lock file."""
    return "\n".join([f"# Resolved from {source} by envs/lock.py; do not edit.", *pins, ""])


def conda_text(name: str, lock: Path) -> str:
    """Content of a conda environment: Python, pip, and the pins of ``lock``."""
    pins = [line for line in lock.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return "\n".join(
        [
            f"# Written from {lock.name} by envs/lock.py; do not edit.",
            f"name: steadfast-{name}",
            "channels:",
            "  - conda-forge",
            "  - nodefaults",
            "dependencies:",
            f"  - python={PYTHON}",
            "  - pip",
            "  - pip:",
            *(f"      - {pin}" for pin in pins),
            "",
        ]
    )


if __name__ == "__main__":
    main()
