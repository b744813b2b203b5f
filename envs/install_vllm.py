"""Set up vLLM's environment: the CUDA build where there is an NVIDIA GPU, else the CPU build.

    python envs/install_vllm.py                        into .venv-vllm
    python envs/install_vllm.py --build cpu            whatever the machine has
    python envs/install_vllm.py --environment DIR      somewhere else

Installs exactly what the lock names, once: an environment that was made from the same lock is left alone. Needs
only the standard library. Two to four minutes and 2 GB (CPU) or 10 GB (CUDA).
"""

import argparse
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFAULT_ENVIRONMENT = HERE.parent / ".venv-vllm"
STAMP = "installed.lock.txt"
NO_CPU_TORCH = (
    "pip's settings offer no CPU build of torch: name PyTorch's index of CPU builds in PIP_EXTRA_INDEX_URL "
    "(pytorch.org tells its address under 'Get started')"
)


def main() -> int:
    """Install unless the environment is up to date; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--environment", type=Path, default=DEFAULT_ENVIRONMENT)
    arguments = parser.parse_args()
    build = detect_build() if arguments.build == "auto" else arguments.build
    lock = HERE / f"vllm-{build}.lock.txt"
    if is_current(arguments.environment, lock):
        print(f"{arguments.environment} is up to date ({lock.name})")
        return 0
    print(f"Installing vLLM ({build} build) into {arguments.environment} (once; a few minutes) ...", flush=True)
    try:
        install(arguments.environment, lock, build)
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(error.cmd[-6:])} failed with status {error.returncode}", file=sys.stderr)
        return 1
    return 0


def detect_build() -> str:
    """``cuda`` if NVIDIA's driver reports a GPU, else ``cpu``."""
    if shutil.which("nvidia-smi") is None:
        return "cpu"
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    return "cuda" if listed.returncode == 0 and "GPU " in listed.stdout else "cpu"


def is_current(environment: Path, lock: Path) -> bool:
    """Whether the environment was installed from exactly this lock."""
    stamp = environment / STAMP
    return stamp.is_file() and stamp.read_bytes() == lock.read_bytes()


def install(environment: Path, lock: Path, build: str) -> None:
    """Make the environment again, install the lock and see that vLLM can be imported.

    Raises:
        subprocess.CalledProcessError: a step failed; the environment is then not marked as current.
    """
    venv.create(environment, clear=True, with_pip=True)
    python = environment / "bin" / "python"
    if build == "cpu":
        install_cpu_torch(python, lock)
    # the lock is complete, and what it leaves out is left out on purpose
    pip(python, "--no-deps", "-r", str(lock))
    subprocess.run([str(python), "-P", "-c", "from vllm import LLM"], check=True, stdout=subprocess.DEVNULL)
    shutil.copyfile(lock, environment / STAMP)


def install_cpu_torch(python: Path, lock: Path) -> None:
    """Install torch's CPU build from where pip's settings say.

    Raises:
        subprocess.CalledProcessError: they offer none; what to do about it is printed.
    """
    (torch,) = [line for line in lock.read_text(encoding="utf-8").splitlines() if line.startswith("torch==")]
    try:
        pip(python, "--no-deps", f"{torch}+cpu")
    except subprocess.CalledProcessError:
        print(NO_CPU_TORCH, file=sys.stderr, flush=True)
        raise


def pip(python: Path, *arguments: str) -> None:
    """Run ``pip install``."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
