"""The model under test judges its own responses: self-evaluation, the study's self-judgement probe.

The verdicts come from the probabilities of the two labels, so that a model that never generates a label, such as an
edited or very small one, still has a verdict. Its job also gives it ``control`` responses of another model to judge
(see ``steadfast.judges.control_responses``), which it cannot distinguish from its own.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from steadfast.judges.checkpoint import build_checkpoint_judge
from steadfast.judges.interface import Judge
from steadfast.judges.settings import CheckpointJudgeSettings, Scope


class Settings(CheckpointJudgeSettings):
    """The model under test judges its own responses (self-evaluation; the study's self-judgement probe)."""

    scope: ClassVar[Scope] = "pair"
    idle: ClassVar[frozenset[str]] = CheckpointJudgeSettings.idle | {"control"}

    control: int = Field(
        100,
        ge=0,
        le=1000000,
        description=(
            "Number of control responses that every model judges in addition to its own: those of the previous "
            "model in `models` (original and first variant of the study, harmful and harmless prompts). They "
            "distinguish a poor judge of its own responses from a poor judge. 0 for none."
        ),
    )


def build(hook: Mapping[str, Any] | None = None, direction: str | None = None, **settings: Any) -> Judge:
    """Build a judge that runs on ``checkpoint``, the checkpoint of the model under test.

    Args:
        hook: the ``hook`` entry of an intervention, or None.
        direction: direction file of the hook.
        settings: see ``CheckpointSettings``.
    """
    if hook is None or direction is None:
        return build_checkpoint_judge(**settings)
    from steadfast.attacks.interventions import preparation

    return build_checkpoint_judge(preparation(hook, direction), **settings)
