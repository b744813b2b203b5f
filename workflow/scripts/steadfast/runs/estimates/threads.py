"""Number of threads of a job, so that all cores are used and memory suffices.

Concurrent jobs with one thread each use cores best. If fewer jobs than cores can run concurrently, since there are no
more of their kind or memory is limited, each gets its share of the cores. Snakemake starts no job whose threads would
exceed the cores together with those of the running jobs.

Measured on two cores with torch 2.13 (SmolLM2-135M in float32): logits of one and of two threads are bitwise equal.
On a quiet machine two threads read 1.65 times as many tokens a second as one (560, 340) and write 1.5 times as many
(76, 50). While other processes kept the cores busy, two that spin while they wait wrote a quarter of what one did
(6, 24) and took four times the CPU time; two that sleep (``OMP_WAIT_POLICY=PASSIVE``) wrote as many as one. Sleeping
costs 7% of the tokens that are written where nothing else runs.
"""

import os
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadfast.core.memory import total_memory
from steadfast.models.size import ModelSize
from steadfast.runs.estimates.sizes import ModelSizes

# parameters per additional thread to be worthwhile: organisms get one thread, 135M parameters up to five
PER_THREAD = 25_000_000
# share of the memory for the models of concurrent jobs; the rest is for activations and other processes
MEMORY_SHARE = 0.8
# memory of a process with torch and transformers that processes a batch
PROCESS_BYTES = 2**30
WAIT_POLICY = "OMP_WAIT_POLICY"


def wait_asleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Make waiting threads sleep instead of spin, in processes started from here."""
    environment.setdefault(WAIT_POLICY, "PASSIVE")


def pending(outputs: Iterable[str]) -> int:
    """Number of files or directories that do not exist yet; 1 if all exist."""
    return max(1, sum(not Path(output).exists() for output in set(outputs)))


@dataclass(frozen=True)
class JobThreads:
    """Threads of the jobs that run a model.

    Attributes:
        sizes: sizes of the models.
        cores: number of shared cores; None on a cluster, whose profile sets the threads.
        on_gpus: whether the models run on GPUs, so that CPUs only wait.
    """

    sizes: ModelSizes
    cores: int | None
    on_gpus: bool = False

    def by_model(self, outputs: Sequence[str]) -> Callable[[Any], int]:
        """Threads of one of several jobs, as a function of its wildcards.

        Args:
            outputs: one file or directory of each job; existing ones do not count as concurrent jobs.
        """
        found: dict[str, int] = {}

        def threads(wildcards: Any) -> int:
            if not found:
                # computed once: the count must not change while jobs finish
                found[""] = pending(outputs)
            if wildcards.model not in found:
                found[wildcards.model] = self.of([wildcards.model], found[""])
            return found[wildcards.model]

        return threads

    def of(self, models: Sequence[str], jobs: int = 1) -> int:
        """Threads of a job.

        Args:
            models: the models that it runs, one after the other; may be empty.
            jobs: number of concurrent jobs of its kind.
        """
        if not models or self.cores is None or self.on_gpus:
            return 1
        return min(self._of(self.sizes.of(name), self.cores, jobs) for name in models)

    @staticmethod
    def _of(size: ModelSize | None, cores: int, jobs: int) -> int:
        room = int(MEMORY_SHARE * total_memory())
        needed = PROCESS_BYTES + (max(size.stored, size.loaded("float32")) if size else 0)
        side_by_side = max(1, min(jobs, room // needed))
        worthwhile = size.parameters // PER_THREAD if size else cores
        return max(1, min(cores // side_by_side, worthwhile))
