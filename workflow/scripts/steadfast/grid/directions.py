"""Wiring of ``workflow/rules/directions.smk``: activations, and the direction of each variant."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from steadfast.config.attack_checks import SEARCH
from steadfast.core.names import ORIGINAL
from steadfast.core.plug_ins import EDITS
from steadfast.grid import paths
from steadfast.grid.data import ForPair, ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import digest


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
        """Template positions that any variant's direction may use, the last one always among them."""
        directions = (variant.settings.get("direction", {}) for variant in self.grid.variants.values())
        used = {direction["position"] for direction in directions if "position" in direction}
        used |= {
            place
            for entry in self.grid.variants.values()
            for place in entry.settings.get(SEARCH, {}).get("positions", ())
        }
        return "post_instruction" if "auto" in used else sorted({-1, *used})

    def variants(self, *, by_running: bool) -> list[str]:
        """Variants that have a direction, those whose search runs the model or the others."""
        from steadfast.attacks.direction_search.search import read_settings

        directed = self.grid.variants_where(lambda variant: "direction" in variant.settings)
        return [name for name in directed if read_settings(self._settings(name)).needs_model == by_running]

    @property
    def by_running(self) -> list[str]:
        """Directions whose search runs the model."""
        variants = self.variants(by_running=True)
        return paths.DIRECTION.of(pair for pair in self.grid.pairs if pair.variant in variants)

    def settings(self, job: ForPair) -> dict[str, Any]:
        """The ``direction`` entry of a variant; for a rank-one edit with the block whose keys it needs."""
        return self._settings(job.variant)

    def judgments(self, job: ForPair) -> list[str]:
        """Verdicts by which a direction contrasts refused with answered prompts; none if it contrasts the labels."""
        judge = self._settings(job.variant).get("judge")
        template = paths.judgments("calibration")
        return [template.at(judge=judge, model=job.model, variant=ORIGINAL)] if judge else []

    def digest(self, job: ForPair) -> str:
        """Digest of the code that a direction depends on."""
        return digest("find_direction.py", self._method(job))

    def running_digest(self, job: ForPair) -> str:
        """Digest of the code that a direction depends on whose search runs the model."""
        return digest("find_direction_by_running.py", self._method(job))

    def _settings(self, variant: str) -> dict[str, Any]:
        found = self.grid.variants[variant].settings
        direction = dict(found["direction"])
        if "edit" in found and EDITS.of(found["edit"]).Settings.needs_keys:
            direction["keys_layer"] = found["edit"]["layer"]
        return direction

    def _method(self, job: ForPair) -> str:
        return f"attacks.directions.methods.{self._settings(job.variant)['method']}"


def activation_files(pairs: Iterable[ModelVariant]) -> list[str]:
    """Activations of the pairs' models, each once."""
    return [paths.ACTIVATIONS.at(model=model) for model in dict.fromkeys(pair.model for pair in pairs)]
