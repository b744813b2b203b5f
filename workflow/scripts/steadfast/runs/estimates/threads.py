"""How many threads a job gets: what keeps all cores busy and fits the memory.

Jobs with one thread each, side by side, use cores best. Where fewer jobs than cores run side by side, since there are
no more of their kind or the memory holds no more models, each gets its share of the cores. Snakemake starts no job
whose threads would exceed the cores together with those of the running jobs.

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

# parameters that a further thread needs to be worth its waiting: organisms stay at one, 135 M get up to five
PER_THREAD = 25_000_000
# what models side by side may take of the memory, beside activations and whatever else runs
MEMORY_SHARE = 0.8
# what a process takes that has loaded torch and transformers, and works on a batch
PROCESS_BYTES = 2**30
WAIT_POLICY = "OMP_WAIT_POLICY"


def wait_asleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have threads that wait for others sleep instead of spin, in processes that are started from here."""
    environment.setdefault(WAIT_POLICY, "PASSIVE")


def pending(outputs: Iterable[str]) -> int:
    """How many of the files or directories are not there yet; 1 if all are."""
    return max(1, sum(not Path(output).exists() for output in set(outputs)))


@dataclass(frozen=True)
class JobThreads:
    """Threads of the jobs that run a model.

    Attributes:
        sizes: of the models.
        cores: what all jobs share; None on a cluster, whose profile says what a job gets.
        on_gpus: whether the models run on GPUs, where processors only wait.
    """

    sizes: ModelSizes
    cores: int | None
    on_gpus: bool = False

    def by_model(self, outputs: Sequence[str]) -> Callable[[Any], int]:
        """Threads of one of several jobs, as a function of its wildcards.

        Args:
            outputs: one file or directory of each job; those that are there already are not made at the same time.
        """
        found: dict[str, int] = {}

        def threads(wildcards: Any) -> int:
            if not found:
                # once for all: as jobs end their fellows must not be counted again
                found[""] = pending(outputs)
            if wildcards.model not in found:
                found[wildcards.model] = self.of([wildcards.model], found[""])
            return found[wildcards.model]

        return threads

    def of(self, models: Sequence[str], jobs: int = 1) -> int:
        """Threads of a job.

        Args:
            models: the models that it runs, one after the other; none for a job that runs no model.
            jobs: jobs of its kind that may run side by side.
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
