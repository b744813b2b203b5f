"""The system under test judges its own responses: the study's self-monitoring probe.

The verdicts come from the probabilities of the two labels, so that a system which never writes a label, as an
edited or a very small one may, still says which it finds more likely. Its job also gives it ``control`` responses of
another model to judge (see ``steadfast.judges.control_responses``), which is no business of the judge itself.
"""

from collections.abc import Mapping
from typing import Any, Literal

from steadfast.judges.checkpoint import build_checkpoint_judge, check_checkpoint_settings
from steadfast.judges.interface import Judge
from steadfast.judges.setting_checks import check_keys

SCOPE: Literal["system"] = "system"
KEYS = ("prompt", "labels", "template_arguments", "minimum_mass", "max_thinking_tokens", "dtype", "control")


def build(hook: Mapping[str, Any] | None = None, direction: str | None = None, **settings: Any) -> Judge:
    """A judge that runs on ``checkpoint``, the system's own.

    Args:
        hook: the ``hook`` stanza of a system that is hooked while it runs.
        direction: the direction file of that hook.
        settings: see ``CheckpointSettings``.
    """
    if hook is None or direction is None:
        return build_checkpoint_judge(**settings)
    from steadfast.attacks.interventions import preparation

    return build_checkpoint_judge(preparation(hook, direction), **settings)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check a stanza without loading a model.

    Raises:
        ConfigError: naming the key.
    """
    check_keys(settings, KEYS, required=("prompt",))
    check_checkpoint_settings(settings)


def files(settings: Mapping[str, Any]) -> list[str]:
    """The judge prompt template."""
    return [str(settings["prompt"])]
