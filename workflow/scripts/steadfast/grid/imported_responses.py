"""Wiring of ``workflow/rules/imported_responses.smk``: imported responses."""

from dataclasses import dataclass
from typing import Any

from steadfast.grid.data import ForPair
from steadfast.grid.grid import Grid

# keys that determine which responses are read
READ = ("path", "files", "variants", "format", "columns", "where")


@dataclass(frozen=True)
class ImportJobs:
    """Jobs that import responses.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def models(self) -> list[str]:
        """Models with imported responses."""
        return [name for name, model in self.grid.models.items() if model.given is not None]

    def files(self, job: ForPair) -> list[str]:
        """Files with the responses of a pair."""
        from steadfast.generation.imports.records import record_files
        from steadfast.models.sources.responses import files_of

        return record_files(files_of(self.grid.models[job.model].settings)[job.variant])

    def entry(self, job: ForPair) -> dict[str, Any]:
        """Settings that determine which responses are read."""
        settings = self.grid.models[job.model].settings
        return {key: settings[key] for key in READ}
