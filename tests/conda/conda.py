"""The few commands of conda that Snakemake gives, answered by py-rattler; see tests/conda/README.md.

    conda --version
    conda info --json
    conda config --get channel_priority --json
    conda clean -y --tarballs
    conda env create --quiet --no-default-packages --file FILE --prefix PREFIX

Every channel of an environment's file is replaced by STEADFAST_CONDA_CHANNEL.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from rattler import install, solve

HERE = Path(__file__).resolve().parent
ANSWERS = {
    "--version": "conda 24.7.1",
    "info --json": json.dumps({"conda_prefix": str(HERE), "platform": "linux-64"}),
    "clean -y --tarballs": "",
    "config --get channel_priority --json": json.dumps({"get": {"channel_priority": "strict"}}),
}


def main() -> int:
    """Answer one command."""
    asked = " ".join(sys.argv[1:])
    if asked in ANSWERS:
        print(ANSWERS[asked])
        return 0
    if sys.argv[1:3] != ["env", "create"]:
        print(f"this stand-in for conda does not know: conda {asked}", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser()
    for flag in ("--quiet", "--no-default-packages"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--prefix", type=Path, required=True)
    chosen = parser.parse_args(sys.argv[3:])
    return create(yaml.safe_load(chosen.file.read_text(encoding="utf-8")), chosen.prefix)


def create(environment: dict[str, Any], prefix: Path) -> int:
    """Create an environment: conda's packages by rattler's solver, then what its `pip:` section pins."""
    packages = [item for item in environment["dependencies"] if isinstance(item, str)]
    pins = [pin for item in environment["dependencies"] if isinstance(item, dict) for pin in item["pip"]]
    asyncio.run(install_packages(packages, prefix))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write("\n".join(pins))
        requirements.flush()
        command = [str(prefix / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", requirements.name]
        status = subprocess.run(command).returncode
    sys.stdout.flush()
    os._exit(status)  # the solver's threads do not survive the interpreter's end


async def install_packages(packages: list[str], prefix: Path) -> None:
    """Solve for the packages and install them."""
    found = await solve([os.environ["STEADFAST_CONDA_CHANNEL"]], packages, platforms=["linux-64", "noarch"])
    await install(found, prefix, show_progress=False)


if __name__ == "__main__":
    sys.exit(main())
