"""The workflow on a real Slurm, with jobs that are cancelled, killed and out of time."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.grids import ROOT, copy_workflow, snakemake

LAB = ROOT / "tests" / "slurm"
CONFIG = Path(__file__).with_name("slurm_grid.yaml")
IDENTICAL = ["responses/*/*.parquet", "judgments/*/*/*.parquet", "tables/*", "figures/**/*", "summary.txt"]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A single-node Slurm with a fake GPU."""
    can_install = os.geteuid() == 0 and shutil.which("apt-get")
    if not shutil.which("slurmctld") and not can_install:
        if os.environ.get("CI"):
            pytest.fail("Slurm is not installed, and only root can install it")
        pytest.skip("Slurm is not installed, and only root can install it")
    environment = {**os.environ, "SLURM_LAB": str(tmp_path_factory.mktemp("slurm"))}
    started = subprocess.run(
        [LAB / "up.sh"], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert started.returncode == 0, started.stdout
        yield
    finally:
        subprocess.run([LAB / "down.sh"], env=environment, check=False)


def test_results_equal_a_local_run_whatever_happens_to_the_jobs(slurm, tmp_path):
    local = copy_workflow(tmp_path / "local")
    done = snakemake(local, "--cores", "2", "--configfile", str(CONFIG))
    assert done.returncode == 0, done.stdout

    remote = copy_workflow(tmp_path / "remote")
    with Mishaps(remote) as mishaps:
        done = snakemake(remote, *PROFILE, "--configfile", str(CONFIG))
    assert done.returncode == 0, done.stdout
    assert mishaps.happened == ["cancelled", "killed", "out of time"]

    for pattern in IDENTICAL:
        files = [file.relative_to(local) for file in sorted((local / "results").glob(pattern))]
        files = [file for file in files if (local / file).is_file() and not file.name.endswith(".provenance.json")]
        assert files
        for file in files:
            assert (remote / file).read_bytes() == (local / file).read_bytes(), file


PROFILE = [
    *("--profile", "profiles/slurm"),
    *("--slurm-no-account", "--slurm-init-seconds-before-status-checks", "2"),
    *("--seconds-between-status-checks", "2", "--latency-wait", "20"),
    # this machine has two processors and a few gigabytes
    *("--default-resources", "mem_mb=900", "runtime=10"),
    *(
        "--set-resources",
        *(f"{rule}:mem_mb=2000" for rule in ("train_organism", "activations", "checkpoint", "responses")),
    ),
]


class Mishaps:
    """Watches the queue and makes one job of each of three kinds fail in its own way, once each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.happened: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Mishaps":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        plans: list[tuple[str, str, Callable[[str], bool]]] = [
            ("cancelled", "train_organism", cancel),
            ("killed", "extract_activations.py", self._kill),
            ("out of time", "responses", run_out_of_time),
        ]
        while plans and not self._stop.is_set():
            name, target, act = plans[0]
            if act(target):
                self.happened.append(name)
                plans.pop(0)
            time.sleep(0.3)

    def _kill(self, script: str) -> bool:
        """Kill the script of a job from outside, as an operating system out of memory would."""
        found = subprocess.run(
            ["pgrep", "-f", rf"{self.folder}.*{script}"], capture_output=True, text=True
        ).stdout.split()
        for pid in found:
            os.kill(int(pid), signal.SIGKILL)
        return bool(found)


def cancel(rule: str) -> bool:
    """Cancel a running job of a rule."""
    return any(command("scancel", job) for job in running(rule)[:1])


def run_out_of_time(rule: str) -> bool:
    """Let a running job of a rule reach its time limit now."""
    return any(command("scontrol", "update", f"JobId={job}", "EndTime=now") for job in running(rule)[:1])


def running(rule: str) -> list[str]:
    """Ids of the running jobs of a rule; the executor puts the rule's name into the job's comment."""
    lines = subprocess.run(
        ["squeue", "-h", "-t", "R", "-o", "%i %k"], capture_output=True, text=True
    ).stdout.splitlines()
    return [line.split()[0] for line in lines if rule in line]


def command(*arguments: str) -> bool:
    """Run a command; whether it succeeded."""
    return subprocess.run(arguments, capture_output=True).returncode == 0
