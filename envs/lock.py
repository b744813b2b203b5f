"""Resolve ``envs/*.in`` into exact pins, and write the conda environments that carry the same pins.

    python envs/lock.py              resolve everything again
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
# which locks each conda environment carries; where two pin one package, the first one's pin counts
CONDA_ENVIRONMENTS = {"base": ("base",), "vllm": ("vllm-cuda", "base"), "capability": ("base", "capability")}
# what runs the workflow, and not its jobs
WORKFLOW_ENGINE = re.compile(r"snakemake(-|==)")


def main() -> None:
    """Resolve the environments (unless told not to) and render the conda files."""
    if "--render" not in sys.argv:
        base = resolve("base.in")
        (HERE / "base.lock.txt").write_text(lock_text("base.in", base), encoding="utf-8")
        extra = [pin for pin in resolve("base.in", "dev.in") if pin not in base]
        (HERE / "dev.lock.txt").write_text(lock_text("dev.in", extra), encoding="utf-8")
        tasks = [pin for pin in resolve("base.in", "capability.in") if pin not in base]
        (HERE / "capability.lock.txt").write_text(lock_text("capability.in", tasks), encoding="utf-8")
    for name in CONDA_ENVIRONMENTS:
        (HERE / f"{name}.yaml").write_text(conda_text(name), encoding="utf-8")


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


def conda_text(name: str) -> str:
    """Content of a conda environment: Python, pip, and the pins of its locks."""
    locks = CONDA_ENVIRONMENTS[name]
    pins: dict[str, str] = {}
    for lock in locks:
        for pin in read_pins(HERE / f"{lock}.lock.txt"):
            if len(locks) == 1 or not WORKFLOW_ENGINE.match(pin):
                pins.setdefault(package_name(pin), pin)
    sources = " and ".join(f"{lock}.lock.txt" for lock in locks)
    return "\n".join(
        [
            f"# Written from {sources} by envs/lock.py; do not edit.",
            f"name: steadfast-{name}",
            "channels:",
            "  - conda-forge",
            "  - nodefaults",
            "dependencies:",
            f"  - python={PYTHON}",
            "  - pip",
            "  - pip:",
            *(f"      - {pin}" for _, pin in sorted(pins.items())),
            "",
        ]
    )


def read_pins(lock: Path) -> list[str]:
    """The pins of a lock file."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def package_name(pin: str) -> str:
    """Name of the package that a pin is for, in its normalized spelling."""
    return re.sub(r"[-_.]+", "-", pin.partition("==")[0].strip().lower())


if __name__ == "__main__":
    main()
