"""Wiring of ``workflow/rules/run_comparison.smk``: the two runs that are compared."""

from dataclasses import dataclass

from steadfast.core.errors import ConfigError
from steadfast.grid.grid import Grid
from steadfast.grid.paths import response_files, verdict_file


@dataclass(frozen=True)
class RunComparison:
    """Two runs that are compared.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def runs(self) -> dict[str, str]:
        """Results folders by name of the run."""
        return dict(self.grid.config["compared_runs"])

    def verdicts(self, _wildcards: object) -> list[str]:
        """The verdicts of both runs.

        Raises:
            ConfigError: no runs are named.
        """
        if not self.runs:
            raise ConfigError(
                "compared_runs: names no results folders; for example "
                "`--config 'compared_runs={before: ../before/results, after: results}'`"
            )
        return [verdict_file(folder) for folder in self.runs.values()]

    def responses(self, _wildcards: object) -> list[str]:
        """The existing responses of both runs."""
        return [path for folder in self.runs.values() for path in response_files(folder)]
