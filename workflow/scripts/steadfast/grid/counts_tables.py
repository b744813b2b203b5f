"""Wiring of ``workflow/rules/counts_tables.smk``: tables of refusal counts from other studies."""

from dataclasses import dataclass
from typing import Protocol

from steadfast.grid import paths
from steadfast.grid.grid import Grid

RESULTS = ("judge_correlation.csv", "rates.csv", "conclusions.csv", "ranking.csv", "figures")


class ForTable(Protocol):
    """Wildcards of a job with a counts table."""

    @property
    def table(self) -> str:
        """Name of the table."""
        ...


@dataclass(frozen=True)
class CountsTables:
    """The counts tables of a configuration.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    def file(self, job: ForTable) -> str:
        """The file of a job's counts table."""
        return str(self.grid.config["counts_tables"][job.table])

    @property
    def results(self) -> list[str]:
        """All results computed from counts tables."""
        tables = self.grid.config["counts_tables"]
        return [paths.counts_table(result).at(table=name) for name in tables for result in RESULTS]
