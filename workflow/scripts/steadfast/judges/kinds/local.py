"""A checkpoint judges by the probabilities of two labels; by default a tiny judge that the workflow trains itself."""

from collections.abc import Mapping
from typing import Any, Literal

from steadfast.judges.checkpoint import build_checkpoint_judge, check_checkpoint_settings
from steadfast.judges.interface import Judge
from steadfast.judges.setting_checks import check_keys

SCOPE: Literal["grid"] = "grid"
KEYS = ("model", "prompt", "labels", "template_arguments", "minimum_mass", "max_thinking_tokens", "dtype")


def build(**settings: Any) -> Judge:
    """A judge that runs on ``checkpoint``; see ``CheckpointSettings`` for all keys."""
    return build_checkpoint_judge(**settings)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check a stanza without loading the model.

    Raises:
        ConfigError: naming the key.
    """
    check_keys(settings, KEYS, required=("model", "prompt"))
    check_checkpoint_settings(settings)


def files(settings: Mapping[str, Any]) -> list[str]:
    """The judge prompt template."""
    return [str(settings["prompt"])]
