"""Wiring of ``workflow/rules/edit_export.smk``: edited models in formats of other tools."""

from dataclasses import dataclass
from typing import Any

from steadfast.grid.checkpoints import CheckpointJobs
from steadfast.grid.data import ForPair
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import digest


@dataclass(frozen=True)
class EditExport(CheckpointJobs):
    """Jobs that export an edited model, with the inputs of baking."""

    grid: Grid

    def base_name(self, job: ForPair) -> str | None:
        """Base model of an adapter: its name on the hub; None for its directory."""
        repository = self.grid.models[job.model].settings.get("repo")
        return str(repository) if repository else None

    def settings(self, job: ForPair) -> dict[str, Any]:
        """The ``edit`` entry; empty if the workflow selects it."""
        return self.edit(job)

    def digest(self, job: ForPair) -> str:
        """Digest of the code that the files depend on."""
        return digest("export_edit.py", *(f"attacks.edits.methods.{method}" for method in sorted(self.methods(job))))
