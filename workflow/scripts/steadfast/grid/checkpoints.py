"""Wiring of ``workflow/rules/checkpoints.smk``: the edit of each variant."""

from dataclasses import dataclass
from typing import Any

from steadfast.config.attack_checks import SEARCH
from steadfast.grid import paths
from steadfast.grid.attack_selection import AttackSelection
from steadfast.grid.data import ForPair, ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import digest


@dataclass(frozen=True)
class CheckpointJobs:
    """Jobs that edit weights.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def variants(self) -> list[str]:
        """Variants that have a checkpoint of their own."""
        return self.grid.variants_where(lambda variant: variant.is_edited)

    @property
    def outputs(self) -> list[str]:
        """All edited checkpoints."""
        return self.grid.checkpoints(self.grid.edited_pairs)

    def edit(self, job: ForPair) -> dict[str, Any]:
        """The ``edit`` entry of a variant; empty where the workflow chooses it."""
        return dict(self.grid.variants[job.variant].settings.get("edit", {}))

    def chosen_edit(self, job: ForPair) -> list[str]:
        """The file of the edit that the workflow has chosen; none where the configuration names the edit."""
        chosen = self.grid.variants[job.variant].is_chosen
        return [paths.CHOSEN_EDIT.at(model=job.model, variant=job.variant)] if chosen else []

    def matched(self, job: ForPair) -> list[str]:
        """The edited checkpoint whose change of the weights a variant's edit is scaled to; none if it is not."""
        other = self.grid.variants[job.variant].settings.get("match_change")
        return [self.grid.checkpoint(ModelVariant(job.model, other))] if other else []

    def form(self, job: ForPair) -> str:
        """Whether the whole checkpoint is written: on request, and for a judge that is served."""
        if self.grid.config["runtime"]["checkpoints"] == "bake":
            return "bake"
        judges = [*self.grid.judges.values(), *self.grid.rubrics.values()]
        served = [judge.settings.get("serve") or {} for judge in judges]
        asked = any((serve.get("model"), serve.get("variant")) == (job.model, job.variant) for serve in served)
        return "bake" if asked else "auto"

    def as_adapter(self, _job: ForPair) -> bool:
        """Whether factors must be expressible by an adapter, as vLLM needs them."""
        return bool(self.grid.config["generation"]["engine"] != "transformers")

    def digest(self, job: ForPair) -> str:
        """Digest of the code that a variant's edit depends on; one that is chosen may be any of those compared."""
        return digest("bake_checkpoint.py", *sorted({f"attacks.edits.methods.{name}" for name in self._methods(job)}))

    def _methods(self, job: ForPair) -> list[str]:
        """The methods by which a variant may be edited."""
        variant = self.grid.variants[job.variant]
        if variant.is_searched:
            return list(variant.settings[SEARCH]["edits"])
        compared = AttackSelection(self.grid).attacks(job.variant).values() if variant.is_compared else ()
        return [str(edit["method"]) for edit in compared or [self.edit(job)]]
