"""The check by module: on the same inputs, does every edited module apply the edit to its output?

See ``steadfast.attacks.baking.verification``. The inputs of the edited modules of the original at the last token of
each prompt are recorded, and the same modules of the edited checkpoint are run on them, one at a time. The score of a
module is 1 minus the applied share of the target change, as a multiple of its bound, which follows from the rounding of
stored weights and of the run; it is positive if too little was applied. The score of an unedited module is recorded as
well. Modules whose change is so small that rounding could hide it are excluded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.settings import HookedSettings
from steadfast.attacks.gates import MODULES

if TYPE_CHECKING:
    from torch import Tensor

    from steadfast.analysis.side_effects.model_under_test import ModelUnderTest
    from steadfast.attacks.baking.verification import Recording

ABOUT = About("deviation of edited modules from the edit", "multiples of the bound", worse="neither")


class Settings(HookedSettings):
    """Deviation of edited modules from the edit."""

    gate: ClassVar[str] = MODULES


@dataclass(frozen=True)
class Reference:
    """Outputs of the original's modules, and the target outputs of the edits.

    Attributes:
        recordings: inputs and outputs of each module, by its name.
        targets: target outputs of the edit by variant and module, float32 [prompts, hidden].
    """

    recordings: "dict[str, Recording]"
    targets: "dict[str, dict[str, Tensor]]"


@dataclass(frozen=True)
class ModuleAgreement:
    """See the module; it uses ``prompts`` prompts of each label."""

    prompts: int

    def reference(self, original: "ModelUnderTest", variants: "Sequence[ModelUnderTest]") -> Reference:
        """Record the original's modules, and compute the target outputs of every edit."""
        from steadfast.attacks.baking.verification import rebuilt_edit, record, target_outputs
        from steadfast.attacks.interventions.writers import edited_modules

        model = original.access.model
        edits = {
            model.variant: (rebuilt_edit(model.edit, model.scale_factor), model.direction)
            for model in variants
            if model.is_baked and model.edit is not None and model.direction is not None
        }
        sites = {site.name: site for edit, _ in edits.values() for site in edited_modules(model, edit)}
        if not sites:
            return Reference({}, {})
        encoded = original.access.encode(original.first_prompts(self.prompts))
        found = record(model, list(sites.values()), encoded, original.access.batch_tokens, original.pad_token)
        recordings = dict(zip(sites, found, strict=True))
        targets = {
            variant: {
                site.name: outputs
                for site in edited_modules(model, edit)
                if (outputs := target_outputs(edit, site, direction, recordings[site.name])) is not None
            }
            for variant, (edit, direction) in edits.items()
        }
        return Reference(recordings, targets)

    def score(self, model: "ModelUnderTest", reference: Reference) -> list[Score]:
        """One item per comparable module; empty if the checkpoint holds no edit."""
        from steadfast.attacks.baking.verification import applied_shares, rebuilt_edit, stored_format

        targets = reference.targets.get(model.variant)
        if not targets or model.edit is None:
            return []
        edit = rebuilt_edit(model.edit, model.scale_factor)
        stored = stored_format(model.access.model_dir, edit)
        found = applied_shares(model.access.model, edit, stored, reference.recordings, targets)
        return [
            Score(name, (1 - result.share) / result.bound, 1 / result.bound, scope="edited modules")
            for name, result in found.items()
        ]


def build(settings: Settings) -> ModuleAgreement:
    """The measure."""
    return ModuleAgreement(settings.intervention_prompts)
