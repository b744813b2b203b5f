"""Wiring of ``workflow/rules/directions.smk``: activations, and the direction of each variant."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from steadfast.config.attack_checks import SEARCH
from steadfast.core.names import ORIGINAL
from steadfast.core.plug_ins import EDITS
from steadfast.grid import paths
from steadfast.grid.data import ForModel, ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import VariantJobs, by_sweep, digest, rule_name


@dataclass(frozen=True)
class DirectionJobs:
    """Jobs that find directions.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def activations(self) -> list[str]:
        """Activations of all models under test."""
        return activation_files(self.grid.pairs)

    @property
    def positions(self) -> list[int] | str:
        """Template positions that the variants' directions may use, always including the last one."""
        directions = (variant.settings.get("direction", {}) for variant in self.grid.variants.values())
        used = {direction["position"] for direction in directions if "position" in direction}
        used |= {
            place
            for entry in self.grid.variants.values()
            for place in entry.settings.get(SEARCH, {}).get("positions", ())
        }
        return "post_instruction" if "auto" in used else sorted({-1, *used})

    def variants(self, *, by_running: bool) -> list[str]:
        """Variants with a direction, either those found by running the model or the others."""
        from steadfast.attacks.direction_search.search import read_settings

        directed = self.grid.variants_where(lambda variant: "direction" in variant.settings)
        return [name for name in directed if read_settings(self.settings(name)).needs_model == by_running]

    def settings(self, variant: str) -> dict[str, Any]:
        """The ``direction`` entry of a variant; for a rank-one edit, with the block whose keys it needs."""
        found = self.grid.variants[variant].settings
        direction = dict(found["direction"])
        if "edit" in found and EDITS.of(found["edit"]).Settings.needs_keys:
            direction["keys_layer"] = found["edit"]["layer"]
        return direction


@dataclass(frozen=True)
class DirectionJob(VariantJobs):
    """The jobs of one rule that finds directions.

    One process finds all directions of a sweep, and finds a direction once for variants that differ only in their edit.

    Attributes:
        by_running: whether the directions are found by running the model.
    """

    by_running: bool = False

    @property
    def rule(self) -> str:
        """Name of the rule."""
        if self.sweep:
            return rule_name(f"directions_of_{self.sweep}{'_by_running' if self.by_running else ''}")
        return "direction_by_running" if self.by_running else "direction"

    @property
    def outputs(self) -> dict[str, list[str]]:
        """The directions of a job, and how each was selected."""
        return {"direction": self.files(paths.DIRECTION), "selection": self.files(paths.SELECTION)}

    @property
    def first_outputs(self) -> list[str]:
        """One file of every job."""
        return paths.DIRECTION.of(pair for pair in self.grid.pairs if pair.variant in self.first_of_each)

    @property
    def log(self) -> str:
        """Name of the log of a job."""
        return f"directions/{{model}}/{self.rule if self.sweep else '{variant}'}"

    @property
    def message(self) -> str:
        """Message of a job."""
        what = "find the directions" if self.sweep else "find the direction"
        return f"{{wildcards.model}}, {self.variant_label}: {what}{' by running the model' if self.by_running else ''}"

    def judgments(self, job: ForModel) -> list[str]:
        """Verdicts for directions that contrast refused with answered prompts; empty if they contrast the labels."""
        judges = dict.fromkeys(search["settings"].get("judge") for search in self.searches(job))
        template = paths.judgments("calibration")
        return [template.at(judge=judge, model=job.model, variant=ORIGINAL) for judge in judges if judge]

    def searches(self, job: ForModel) -> list[dict[str, Any]]:
        """The distinct ``direction`` entries with their variants."""
        found: list[dict[str, Any]] = []
        for pair in self.pairs(job):
            settings = DirectionJobs(self.grid).settings(pair.variant)
            same = next((search for search in found if search["settings"] == settings), None)
            if same is None:
                found.append({"settings": settings, "variants": [pair.variant]})
            else:
                same["variants"].append(pair.variant)
        return found

    def digest(self, job: ForModel) -> str:
        """Digest of the code that the directions depend on."""
        methods = sorted({search["settings"]["method"] for search in self.searches(job)})
        script = "find_direction_by_running.py" if self.by_running else "find_direction.py"
        return digest(script, *(f"attacks.directions.methods.{method}" for method in methods))


def direction_jobs(grid: Grid, *, by_running: bool) -> list[DirectionJob]:
    """All rules that find directions, either by running the model or without."""
    directed = DirectionJobs(grid).variants(by_running=by_running)
    return [DirectionJob(grid, variants, sweep, by_running) for variants, sweep in by_sweep(grid, directed)]


def activation_files(pairs: Iterable[ModelVariant]) -> list[str]:
    """Activations of the pairs' models, without duplicates."""
    return [paths.ACTIVATIONS.at(model=model) for model in dict.fromkeys(pair.model for pair in pairs)]
