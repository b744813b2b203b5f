"""Resolve ``envs/vllm-{cpu,cuda}.in`` into exact pins, without installing anything.

    python envs/lock_vllm.py cpu     where pip's settings offer torch's CPU build
    python envs/lock_vllm.py cuda    where they offer the CUDA build (the public index does)

pip resolves as if it installed, and reports what it would install. It downloads what the index describes only in
its packages: several gigabytes for CUDA. The CPU lock leaves out what vLLM never loads for text on a CPU, or
what breaks it there; it must therefore be installed without resolving again (``envs/install_vllm.py`` does).
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent

LEFT_OUT = {
    "cpu": {
        # builds for CUDA, with which importing vLLM fails
        "torchvision",
        "torchaudio",
        "torchcodec",
        "triton",
        # video
        "opencv-python-headless",
        # clients and commands of services that are not used here
        "anthropic",
        "fastapi-cloud-cli",
        "sentry-sdk",
        "grpcio",
        # a second OpenMP runtime; with one thread per job it gains nothing
        "intel-openmp",
        "intel-cmplr-lib-ur",
    },
    "cuda": set[str](),
}


def main() -> None:
    """Resolve one environment and write its lock."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", choices=sorted(LEFT_OUT))
    build = parser.parse_args().build
    source = f"vllm-{build}.in"
    pins = [pin for pin in resolve(HERE / source) if normalized(pin) not in LEFT_OUT[build]]
    (HERE / f"vllm-{build}.lock.txt").write_text(lock_text(source, pins), encoding="utf-8")


def resolve(requirements: Path) -> list[str]:
    """Pins, without local version suffixes, of everything that pip would install."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        options = ["--quiet", "--dry-run", "--ignore-installed", "--report", report.name]
        subprocess.run([sys.executable, "-m", "pip", "install", *options, "-r", str(requirements)], check=True)
        packages = [entry["metadata"] for entry in json.load(report)["install"]]
    pins = [re.sub(r"\+\S+", "", f"{package['name']}=={package['version']}") for package in packages]
    return sorted(pins, key=str.lower)


def normalized(pin: str) -> str:
    """Name of a pinned package as indexes spell it."""
    return re.sub(r"[-_.]+", "-", pin.partition("==")[0]).lower()


def lock_text(source: str, pins: list[str]) -> str:
    """Content of a lock file."""
    return "\n".join([f"# Resolved from {source} by envs/lock_vllm.py; do not edit.", *pins, ""])


if __name__ == "__main__":
    main()
