"""Wiring of ``workflow/rules/attack_search.smk``: variants with a search, their inputs and judges."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from steadfast.config.attack_checks import SEARCH
from steadfast.grid import paths
from steadfast.grid.data import ForPair, Judge
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import digest
from steadfast.grid.judging import Judging


@dataclass(frozen=True)
class AttackSearch:
    """Variants found by a search.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def variants(self) -> list[str]:
        """Variants with a search."""
        return self.grid.variants_where(lambda variant: variant.is_searched)

    @property
    def outputs(self) -> list[str]:
        """The directions found by searches."""
        return paths.DIRECTION.of(self.grid.pairs_where(lambda variant: variant.is_searched))

    @property
    def results(self) -> list[str]:
        """Table of the Pareto fronts; empty without a search."""
        return [paths.table("search")] if self.variants else []

    def settings(self, job: ForPair) -> dict[str, Any]:
        """The ``search`` entry of a variant."""
        return dict(self.grid.variants[job.variant].settings[SEARCH])

    def judge(self, job: ForPair) -> Judge:
        """Judge whose verdicts select the trial."""
        return self.grid.judges[self.settings(job)["judge"] or self.grid.reference]

    def judge_files(self, job: ForPair) -> list[str]:
        """Resource files that the judge reads, and the checkpoint that it runs on."""
        return Judging(self.grid).files(self.judge(job))

    def judge_arguments(self, job: ForPair) -> dict[str, Any]:
        """Arguments of the judge's ``build``, with its kind."""
        return Judging(self.grid).arguments(self.judge(job))

    def judge_machine(self, job: ForPair) -> str:
        """Machine settings of the judge, as JSON."""
        return Judging(self.grid).machine(self.judge(job))

    def workers(self, job: ForPair) -> int:
        """Number of processes that share the trials of a search."""
        return int(self.settings(job)["workers"])

    def threads(self, of_one: Callable[[ForPair], int]) -> Callable[[ForPair], int]:
        """Number of threads of a job: at least one per worker."""
        return lambda wildcards: max(of_one(wildcards), self.workers(wildcards))

    def gpus(self, job: ForPair) -> int:
        """Number of GPUs of a job: those of the model, times the number of workers."""
        return self.grid.models[job.model].gpus * self.workers(job)

    def journal(self, job: ForPair) -> str:
        """The file with finished trials, from which an interrupted or extended search resumes."""
        return paths.SEARCH_JOURNAL.at(model=job.model, variant=job.variant)

    def digest(self, job: ForPair) -> str:
        """Digest of the code that a search depends on."""
        settings = self.settings(job)
        return digest(
            "search_attack.py",
            *(f"attacks.directions.methods.{name}" for name in settings["directions"]),
            *(f"attacks.edits.methods.{name}" for name in settings["edits"]),
            f"judges.kinds.{self.judge(job).kind}",
        )
