"""Inference-time interventions, which leave the weights unchanged: the interface of all hooks.

A hook is a module of ``methods`` with ``build(settings) -> Hook``. In-process engines wrap generation in ``attach``.
Modules import torch only inside it, so that settings are checked without torch.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from steadfast.attacks.directions import Direction, build_from, load_direction
from steadfast.core.errors import DataError
from steadfast.core.plug_ins import INTERVENTIONS

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Hook(Protocol):
    """A change of a model's activations while it runs."""

    def attach(self, model: "PreTrainedModel", direction: Direction) -> AbstractContextManager[None]:
        """Context in which the model is changed; leaving it restores the model.

        Raises:
            ConfigError, DataError: the hook does not fit the model or the direction.
        """
        ...


def build_hook(settings: Mapping[str, Any]) -> Hook:
    """Build the hook that a ``hook`` entry describes: ``method`` and that method's own keys.

    Raises:
        ConfigError: the method or a key is unknown, or a value is not allowed.
    """
    return build_from(INTERVENTIONS, settings)  # type: ignore[no-any-return]


def check_settings(settings: Mapping[str, Any]) -> None:
    """Validate a ``hook`` entry without a model.

    Raises:
        ConfigError: the method or a key is unknown, or a value is not allowed.
    """
    build_hook(settings)


def preparation(
    settings: Mapping[str, Any], direction_path: str | Path
) -> Callable[["PreTrainedModel"], AbstractContextManager[None]]:
    """Context manager for engines, called with the loaded model, that wraps the generation.

    Calling it raises ``DataError`` if the direction file holds no valid direction.
    """
    hook, direction = build_hook(settings), load_direction(direction_path)

    def prepare(model: "PreTrainedModel") -> AbstractContextManager[None]:
        if not direction.valid:
            raise DataError(f"{direction_path} holds no valid direction: {direction.reason}")
        return hook.attach(model, direction)

    return prepare
