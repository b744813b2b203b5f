"""Wiring of ``workflow/rules/checkpoints.smk``: the edit of each variant."""

from dataclasses import dataclass
from typing import Any

from steadfast.config.attack_checks import SEARCH
from steadfast.config.checkpoint_checks import checkpoint_form
from steadfast.generation.engine_choice import possible_engines
from steadfast.grid import paths
from steadfast.grid.attack_selection import AttackSelection
from steadfast.grid.data import ForModel, ForPair, ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import VariantJobs, by_sweep, digest, rule_name


@dataclass(frozen=True)
class CheckpointJobs:
    """Edited checkpoints of a grid.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def variants(self) -> list[str]:
        """Variants with their own checkpoint."""
        return self.grid.variants_where(lambda variant: variant.is_edited)

    def edit(self, job: ForPair) -> dict[str, Any]:
        """The ``edit`` entry of a variant; empty if the workflow selects it."""
        return dict(self.grid.variants[job.variant].settings.get("edit", {}))

    def chosen_edit(self, job: ForPair) -> list[str]:
        """The file of the edit selected by the workflow; empty if the configuration gives the edit."""
        chosen = self.grid.variants[job.variant].is_chosen
        return [paths.CHOSEN_EDIT.at(model=job.model, variant=job.variant)] if chosen else []

    def matched(self, job: ForPair) -> list[str]:
        """The edited checkpoint whose change of the weights a variant's edit must match; empty if there is none."""
        other = self.grid.variants[job.variant].settings.get("match_change")
        return [self.grid.checkpoint(ModelVariant(job.model, other))] if other else []

    def form(self, job: ForPair) -> str:
        """How the edited model is stored (see ``write_edited``): as configured, but whole for a served judge."""
        configured = checkpoint_form(self.grid.config, job.variant)
        judges = [*self.grid.judges.values(), *self.grid.rubrics.values()]
        served = [judge.settings.get("serve") or {} for judge in judges]
        is_served = any((serve.get("model"), serve.get("variant")) == (job.model, job.variant) for serve in served)
        return "bake" if is_served else configured

    @property
    def as_adapter(self) -> bool:
        """Whether factors must be expressible as an adapter, for vLLM."""
        return any(kind.needs_adapters for kind in possible_engines(self.grid.config["generation"]["engine"]).values())

    def methods(self, job: ForPair) -> set[str]:
        """Possible edit methods of a variant; a selected attack may use any of the compared methods."""
        variant = self.grid.variants[job.variant]
        if variant.is_searched:
            return set(variant.settings[SEARCH]["edits"])
        compared = AttackSelection(self.grid).attacks(job.variant).values() if variant.is_compared else ()
        return {str(edit["method"]) for edit in compared or [self.edit(job)]}


@dataclass(frozen=True)
class CheckpointJob(VariantJobs):
    """The jobs of one rule that edits weights."""

    @property
    def rule(self) -> str:
        """Name of the rule."""
        return rule_name(f"checkpoints_of_{self.sweep}") if self.sweep else "checkpoint"

    @property
    def outputs(self) -> list[str]:
        """The checkpoints of a job."""
        return self.files(paths.CHECKPOINT)

    @property
    def first_outputs(self) -> list[str]:
        """One checkpoint of every job."""
        pairs = (pair for pair in self.grid.edited_pairs if pair.variant in self.first_of_each)
        return self.grid.checkpoints(pairs)

    @property
    def log(self) -> str:
        """Name of the log of a job."""
        return f"checkpoints/{{model}}/{self.rule if self.sweep else '{variant}'}"

    @property
    def message(self) -> str:
        """Message of a job."""
        return f"{{wildcards.model}}, {self.variant_label}: edit the weights"

    def directions(self, job: ForModel) -> list[str]:
        """The directions along which weights are edited."""
        return paths.DIRECTION.of(self.pairs(job))

    def chosen_edit(self, job: ForModel) -> list[str]:
        """Files of edits selected by the workflow; empty if the configuration gives the edit."""
        jobs = CheckpointJobs(self.grid)
        return [path for pair in self.pairs(job) for path in jobs.chosen_edit(pair)]

    def matched(self, job: ForModel) -> list[str]:
        """Edited checkpoints whose change of the weights an edit is scaled to match; usually empty."""
        jobs = CheckpointJobs(self.grid)
        return [path for pair in self.pairs(job) for path in jobs.matched(pair)]

    def edits(self, job: ForModel) -> list[dict[str, Any]]:
        """The ``edit`` entry of each variant, and whether the whole checkpoint is written."""
        jobs = CheckpointJobs(self.grid)
        return [
            {"variant": pair.variant, "settings": jobs.edit(pair), "form": jobs.form(pair)} for pair in self.pairs(job)
        ]

    def digest(self, job: ForModel) -> str:
        """Digest of the code that the edits depend on."""
        jobs = CheckpointJobs(self.grid)
        methods = sorted({method for pair in self.pairs(job) for method in jobs.methods(pair)})
        return digest("bake_checkpoint.py", *(f"attacks.edits.methods.{method}" for method in methods))


def checkpoint_jobs(grid: Grid) -> list[CheckpointJob]:
    """All rules that edit weights."""
    return [CheckpointJob(grid, variants, sweep) for variants, sweep in by_sweep(grid, CheckpointJobs(grid).variants)]
