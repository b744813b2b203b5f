"""Directional ablation at inference: x ← x − s·Rᵀ(Rx) on the outputs of modules (Arditi et al. 2024, section 2.4)."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from steadfast.attacks.directions import Direction
from steadfast.attacks.edits.projection import ProjectionEdit, build_projection, through_norm
from steadfast.attacks.edits.settings import ProjectionSettings, Target
from steadfast.core.settings import UniqueItems

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Settings(ProjectionSettings):
    """Directional ablation of the outputs of modules (Arditi et al. 2024)."""

    changes_outputs: ClassVar[bool] = True

    targets: UniqueItems[Target] = Field(
        ["attention_output", "mlp_output", "embedding"],
        min_length=1,
        description="Modules whose outputs are projected.",
    )


@dataclass(frozen=True)
class ProjectionHook:
    """Projects the outputs of modules, as an edit with the same settings projects their weights and biases."""

    edit: ProjectionEdit

    def attach(self, model: "PreTrainedModel", direction: Direction) -> AbstractContextManager[None]:
        """Context in which the outputs of all selected modules are projected."""
        import torch

        from steadfast.attacks.activations.extraction import decoder_blocks
        from steadfast.attacks.interventions.modules import changed_outputs, output_modules, project_out

        depth = len(decoder_blocks(model))
        changes = []
        for place in output_modules(model):
            if not self.edit.selects(place.writer, depth):
                continue
            basis = self.edit.basis(direction, place.writer.layer)
            if place.gain is not None:
                basis = through_norm(basis, place.gain.numpy())
            share = self.edit.profile.at(place.writer, depth)
            changes.append((place.module, project_out(torch.from_numpy(basis), share)))
        return changed_outputs(changes)


def build(settings: Settings) -> ProjectionHook:
    """The hook; its settings are those of the corresponding edit, by default on all writing modules."""
    return ProjectionHook(build_projection(settings))
