"""The hook-versus-baked check: does the edited checkpoint match the original with hooks on the edited modules?

See ``steadfast.attacks.baking.verification``. The distance √KL of the next-token distributions is a multiple of its
bound: three times the effect of one more rounding of the edited weights, and at least 5% of the effect of the edit.
Values up to 1 mean that the checkpoint holds the configured edit. The distance of the original is recorded as well; if
it is also within 1, the check has no power.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from steadfast.analysis.side_effects import About, Score
from steadfast.analysis.side_effects.settings import HookedSettings
from steadfast.attacks.gates import ANSWERS

if TYPE_CHECKING:
    from torch import Tensor

    from steadfast.analysis.side_effects.model_under_test import ModelUnderTest

ABOUT = About("distance of the baked from the hooked model", "multiples of the bound", worse="neither")


class Settings(HookedSettings):
    """Distance of the baked from the hooked model."""

    gate: ClassVar[str] = ANSWERS

    def tokens(self, prompts: float, prompt_tokens: float) -> tuple[float, float]:
        """The prompts of both labels, by the original, with hooks, by the checkpoint and with rounded weights."""
        del prompts
        return 4 * self.intervention_prompts * prompt_tokens, 0.0


@dataclass(frozen=True)
class Reference:
    """Log-probabilities of the next token, float64 [prompts, vocabulary].

    Attributes:
        prompt_ids: one per prompt.
        plain: log-probabilities of the original.
        hooked: log-probabilities of the original with a variant's hooks, by variant.
    """

    prompt_ids: list[str]
    plain: "Tensor"
    hooked: "dict[str, Tensor]"


@dataclass(frozen=True)
class HookAgreement:
    """See the module; it uses ``prompts`` prompts of each label."""

    prompts: int

    def reference(self, original: "ModelUnderTest", variants: "Sequence[ModelUnderTest]") -> Reference:
        """Distributions of the original, without hooks and with the hooks of every variant."""
        from steadfast.attacks.baking.verification import hooked, rebuilt_edit

        prompt_ids = original.first_prompts(self.prompts)
        encoded = original.access.encode(prompt_ids)
        found = {}
        for model in variants:
            if not model.is_baked or model.direction is None or model.edit is None:
                continue
            edit = rebuilt_edit(model.edit, model.scale_factor)
            hooks = hooked(original.access.model, edit, model.direction)
            if hooks is not None:
                with hooks:
                    found[model.variant] = original.access.log_probabilities(encoded)
        return Reference(prompt_ids, original.access.log_probabilities(encoded), found)

    def score(self, model: "ModelUnderTest", reference: Reference) -> list[Score]:
        """Distance per prompt relative to the bound, and that of the original; empty without a run-time form."""
        from steadfast.attacks.baking.verification import (
            ROUNDINGS,
            SHARE_OF_EFFECT,
            distance,
            rebuilt_edit,
            rounding_distance,
            stored_format,
        )

        hooked = reference.hooked.get(model.variant)
        if hooked is None or model.edit is None:
            return []
        access = model.access
        encoded = access.encode(reference.prompt_ids)
        found = access.log_probabilities(encoded)
        edit = rebuilt_edit(model.edit, model.scale_factor)
        rounding = rounding_distance(
            access.model,
            edit,
            stored_format(access.model_dir, edit),
            lambda: access.log_probabilities(encoded),
            found,
            seed=0,
        )
        deviation, effect = distance(hooked, found), distance(hooked, reference.plain)
        bound = max(ROUNDINGS * float(rounding.mean()), SHARE_OF_EFFECT * float(effect.mean()))
        rows = zip(reference.prompt_ids, (deviation / bound).tolist(), (effect / bound).tolist(), strict=True)
        return [Score(prompt_id, after, before, scope="both labels") for prompt_id, after, before in rows]


def build(settings: Settings) -> HookAgreement:
    """The measure."""
    return HookAgreement(settings.intervention_prompts)
