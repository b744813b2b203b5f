"""The hook-versus-baked check: does the edited checkpoint answer as the original with hooks on the edited modules?

See ``steadfast.checkpoints.verification``. The divergence of the next-token distributions is given as a multiple of
what rounding explains, so that values up to 1 say that the checkpoint holds exactly the edit that was asked for;
unless the original, whose divergence stands beside it, lies within 1 as well: then no difference could have been seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from steadfast.activations.extraction import decoder_blocks
from steadfast.checkpoints.verification import hooked_log_probabilities, tolerance_of
from steadfast.effects import About, Score
from steadfast.effects.subject import Subject
from steadfast.logits import divergence

ABOUT = About("distance of the baked from the hooked model", "multiples of the tolerance", damage="neither")


@dataclass(frozen=True)
class Reference:
    """Log-probabilities of the next token, float64 [prompts, vocabulary].

    Attributes:
        prompt_ids: one per prompt.
        plain: of the original.
        hooked: of the original with a variant's hooks, by variant.
    """

    prompt_ids: list[str]
    plain: Tensor
    hooked: dict[str, Tensor]


@dataclass(frozen=True)
class HookAgreement:
    """See the module; ``prompts`` prompts of each class are looked at."""

    prompts: int

    def reference(self, original: Subject, variants: Sequence[Subject]) -> Reference:
        """What the original says, as it is and with the hooks of every variant."""
        prompt_ids = self._prompt_ids(original)
        encoded = original.access.encode(prompt_ids)
        hooked = {}
        for subject in variants:
            if subject.direction is not None and subject.edit is not None and subject.hook is None:
                found = hooked_log_probabilities(
                    original.access, subject.direction, subject.edit, encoded, subject.scale_factor
                )
                if found is not None:
                    hooked[subject.variant] = found
        return Reference(prompt_ids, original.access.log_probabilities(encoded), hooked)

    def score(self, subject: Subject, reference: Reference) -> list[Score]:
        """Divergence per prompt over the tolerance, beside that of the original; none where hooks do not apply."""
        hooked = reference.hooked.get(subject.variant)
        if hooked is None:
            return []
        found = subject.access.log_probabilities(subject.access.encode(reference.prompt_ids))
        model = subject.access.model
        tolerance = tolerance_of(model.dtype, len(decoder_blocks(model)))
        values = divergence(hooked, found) / tolerance, divergence(hooked, reference.plain) / tolerance
        rows = zip(reference.prompt_ids, *(column.tolist() for column in values), strict=True)
        return [Score(prompt_id, after, before, scope="both classes") for prompt_id, after, before in rows]

    def _prompt_ids(self, subject: Subject) -> list[str]:
        classes = [subject.prompts(label).head(self.prompts) for label in ("harmful", "harmless")]
        return [str(prompt_id) for prompt_id in pd.concat(classes)["prompt_id"]]


def build(prompts: int = 16) -> HookAgreement:
    """The measure.

    Args:
        prompts: prompts of each class that are looked at.
    """
    return HookAgreement(prompts)
