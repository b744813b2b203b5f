"""GPUs of this machine, and their assignment to jobs.

Snakemake counts GPUs (the resource ``gpu``) but does not assign specific ones to jobs. On a cluster the scheduler does;
on one machine, concurrent jobs would all use the first.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

VARIABLE = "CUDA_VISIBLE_DEVICES"
DEVICES = Path("/dev")
POLL_SECONDS = 1.0


def visible_gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Names (indices or UUIDs) of the usable NVIDIA GPUs, independently of this environment's build of torch.

    Args:
        environment: environment variables; ``CUDA_VISIBLE_DEVICES`` says which GPUs may be used, if it is set.
    """
    listed = environment.get(VARIABLE)
    if listed is None:
        found = (device.name.removeprefix("nvidia") for device in DEVICES.glob("nvidia[0-9]*"))
        return sorted((name for name in found if name.isdigit()), key=int)
    names = [name.strip() for name in listed.split(",")]
    # CUDA stops at the first invalid name
    end = next((place for place, name in enumerate(names) if name in ("", "-1")), len(names))
    return names[:end]


def gpu_memory() -> list[int]:
    """Bytes of memory of every usable GPU, according to ``nvidia-smi``; empty if it is not available."""
    query = ["nvidia-smi", "--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(query, capture_output=True, text=True, timeout=30).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        return []
    rows = [[cell.strip() for cell in line.split(",")] for line in lines]
    names = visible_gpus()
    usable = [row for row in rows if len(row) == 3 and (row[0] in names or row[1] in names) and row[2].isdigit()]
    return [int(memory) * 2**20 for _, _, memory in usable]


def counted_gpus(workflow: Any) -> int | None:
    """Number of GPUs that Snakemake assigns to jobs; None if a scheduler does.

    On one machine, Snakemake would otherwise start as many jobs as there are cores, regardless of GPUs. A cluster, or a
    user with ``--resources gpu=...``, sets its own number.

    Args:
        workflow: Snakemake's object of this name.
    """
    given = {name: resource.value for name, resource in workflow.global_resources.items()}
    on_this_machine = workflow.is_main_process and workflow.resource_settings.nodes is None
    if given.get("gpu") is None and on_this_machine and visible_gpus():
        workflow.register_resource("gpu", len(visible_gpus()))
        return len(visible_gpus())
    return given.get("gpu")


@contextmanager
def claimed_gpus(count: int) -> Iterator[None]:
    """Context with this number of GPUs; the others are hidden from processes started in it.

    If there is no choice, no GPU is claimed. Otherwise it waits until enough are free; each GPU has a file lock, which
    the system releases when this process ends in any way.

    Args:
        count: number of GPUs; 0 claims and hides none.
    """
    names = visible_gpus()
    if not 0 < count < len(names):
        yield
        return
    folder = Path(tempfile.gettempdir(), f"steadfast-gpus-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    before = os.environ.get(VARIABLE)
    with ExitStack() as stack:
        os.environ[VARIABLE] = ",".join(_claim(names, count, folder, stack))
        print(f"GPUs of this job: {os.environ[VARIABLE]}", flush=True)
        try:
            yield
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before


def _claim(names: list[str], count: int, folder: Path, stack: ExitStack) -> list[str]:
    """Names of the claimed GPUs, whose locks ``stack`` holds."""
    # imported here, since few jobs have a choice of GPUs
    from filelock import lock_descriptor

    while True:
        with ExitStack() as attempt:
            taken: list[str] = []
            for name in names:
                lock = attempt.enter_context((folder / f"{name}.lock").open("w", encoding="utf-8"))
                if len(taken) < count and lock_descriptor(lock.fileno(), blocking=False):
                    taken.append(name)
            if len(taken) == count:
                stack.push(attempt.pop_all())
                return taken
        # claimed GPUs are released while waiting, so that two jobs that need two each do not deadlock
        time.sleep(POLL_SECONDS)
