"""The workflow on a real Slurm, with jobs that are canceled, killed, out of time and short of memory.

The profile is the one that users have; only its sizes are scaled down to a machine with two processors.
"""

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.grids import ROOT, copy_workflow, snakemake

pytestmark = pytest.mark.slow

LAB = ROOT / "tests" / "slurm"
CONFIG = Path(__file__).with_name("slurm_grid.yaml")
# from prompts to two tables; further tables and figures would take ten seconds each, as jobs like these
TARGETS = ("results/tables/agreement.csv", "results/tables/counts.csv")
IDENTICAL = ["responses/*/*.parquet", "judgments/*/*/*.parquet", "tables/*"]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A single-node Slurm with fake GPUs."""
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


def test_slurm_results_equal_a_local_run_despite_failed_jobs(slurm, tmp_path):
    local = copy_workflow(tmp_path / "local")
    done = snakemake(local, *TARGETS, "--cores", "2", "--configfile", str(CONFIG))
    assert done.returncode == 0, done.stdout

    remote = copy_workflow(tmp_path / "remote")
    fit_to_this_machine(remote / "profiles" / "slurm" / "config.yaml")
    with Mishaps(remote) as mishaps:
        done = snakemake(remote, *TARGETS, *PROFILE, "--configfile", str(CONFIG))
    assert done.returncode == 0, done.stdout
    assert mishaps.happened == ["canceled", "killed", "out of time"]

    for pattern in IDENTICAL:
        files = [file.relative_to(local) for file in sorted((local / "results").glob(pattern))]
        files = [file for file in files if (local / file).is_file() and not file.name.endswith(".provenance.json")]
        assert files
        for file in files:
            assert (remote / file).read_bytes() == (local / file).read_bytes(), file

    check_gpus()
    check_what_attempts_asked_for(remote / "results" / "logs" / "slurm")


PROFILE = [
    *("--profile", "profiles/slurm"),
    *("--slurm-no-account", "--slurm-init-seconds-before-status-checks", "2"),
    *("--seconds-between-status-checks", "2", "--latency-wait", "20"),
]
# Less than this judge takes, more than half of it: its first attempt is killed, a later one has enough.
TOO_LITTLE_MB = 350
SHORT_OF_MEMORY = f"""set-resources:
  judge_with_raw_judge:
    mem_mb: {TOO_LITTLE_MB} * attempt
    runtime: 240 * attempt
"""


def fit_to_this_machine(profile: Path) -> None:
    """Scale the profile's sizes down; its expressions stay, and one judge gets a line with too little memory."""
    text = profile.read_text(encoding="utf-8")
    text = re.sub(r"(?<=mem_mb: )\d+", lambda size: str(small_memory(int(size.group()))), text)
    text = re.sub(r"(?<=cpus_per_gpu: )\d+", "1", text)
    assert text.count("set-resources:\n") == 1
    profile.write_text(text.replace("set-resources:\n", SHORT_OF_MEMORY), encoding="utf-8")


def small_memory(mem_mb: int) -> int:
    """Megabytes for a job on tiny models: what holds its script and Snakemake twice over."""
    return mem_mb if mem_mb <= 2000 else min(max(mem_mb // 4, 1000), 2000)


def check_gpus() -> None:
    """The jobs that run the model with a GPU were allocated it, with the processors beside it, and no others."""
    rules = ("rule_activations_wildcards", "rule_responses_wildcards")
    with_gpu = [job for rule in rules for job in jobs_of(f"{rule}_combined")]
    without = [job for rule in rules for job in jobs_of(f"{rule}_raw")]
    assert with_gpu and without
    assert {(job.get("JOB_GRES"), job.get("CpusPerTres")) for job in with_gpu} == {("gpu:1", "gres:gpu:1")}
    assert {(job.get("JOB_GRES"), job.get("CpusPerTres")) for job in without} == {("(null)", None)}


def check_what_attempts_asked_for(logs: Path) -> None:
    """The profile's expressions decided: memory and time grow with the attempt, and save what had too little."""
    prompts = jobs_of("rule_prompts")[0]
    assert (prompts["MinMemoryNode"], prompts["TimeLimit"]) == ("1000M", "00:30:00")

    # what ended too early was given a shorter limit by the test, so its second attempt is looked at
    names = [job["Comment"] for job in jobs_of("rule_responses")]
    first, second = jobs_of(next(name for name in names if names.count(name) > 1))[:2]
    assert (first["MinMemoryNode"], second["MinMemoryNode"], second["TimeLimit"]) == ("2000M", "4000M", "08:00:00")

    attempts = jobs_of("rule_judge_with_raw_judge")
    asked = [job["MinMemoryNode"] for job in attempts]
    assert asked == [f"{TOO_LITTLE_MB * number}M" for number in range(1, len(attempts) + 1)]
    assert [job["JobState"] for job in attempts] == ["FAILED"] * (len(attempts) - 1) + ["COMPLETED"]
    assert len(attempts) > 1
    said = [log.read_text(encoding="utf-8") for log in logs.rglob("*.log")]
    assert any("Exceeded job memory limit" in text for text in said), attempts


def jobs_of(name: str) -> list[dict[str, str]]:
    """Fields of the jobs, ended ones among them, whose comment begins with a name, in the order of their ids."""
    lines = subprocess.run(
        ["scontrol", "--details", "--oneliner", "show", "job"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    jobs = [dict(field.split("=", 1) for field in line.split() if "=" in field) for line in lines]
    found = [job for job in jobs if job.get("Comment", "").startswith(name)]
    return sorted(found, key=lambda job: int(job["JobId"]))


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
            ("canceled", "train_organism", cancel),
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
