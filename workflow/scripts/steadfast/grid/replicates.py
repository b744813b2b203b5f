"""Wiring of ``workflow/rules/replicates.smk``: groups of models that are replicates of each other."""

from dataclasses import dataclass

from steadfast.grid import paths
from steadfast.grid.grid import Grid


@dataclass(frozen=True)
class Replicates:
    """Replicates of a grid.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def groups(self) -> dict[str, str]:
        """Group of every replicate."""
        models = ((name, self.grid.models[name].group) for name in self.grid.studied)
        return {name: group for name, group in models if group is not None}

    @property
    def models(self) -> list[str]:
        """Directories of the replicates."""
        return [paths.MODEL.at(model=model) for model in self.groups]

    @property
    def margins(self) -> list[str]:
        """Their refusal margins."""
        return [paths.MARGINS.at(model=model) for model in self.groups]

    @property
    def labels(self) -> dict[str, str]:
        """Names of the groups in the figure."""
        settings = {name: self.grid.models[name].settings for name in self.groups}
        return {group: settings[name].get("group_label", group) for name, group in self.groups.items()}

    @property
    def results(self) -> list[str]:
        """Tables of replicates; empty without groups."""
        return [paths.table(name) for name in ("groups", "matched")] if self.groups else []
