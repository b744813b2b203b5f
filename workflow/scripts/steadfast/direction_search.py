"""From a variant's ``direction`` stanza to its direction: what every method shares besides its own settings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from steadfast.activations import Activations
from steadfast.directions import Direction, DirectionMethod, build_method, resolve_layer
from steadfast.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from steadfast.causal import ModelAccess

CONTRASTS = ("label", "behaviour")


@dataclass(frozen=True)
class DirectionSettings:
    """A ``direction`` stanza.

    Attributes:
        method: the method with its own settings.
        contrast: ``label`` contrasts harmful with harmless prompts, ``behaviour`` those that the original
            model refused with those that it answered.
        judge: whose verdicts tell refused from answered prompts.
        keys_layer: block whose MLP keys are recorded for a rank-one edit, or None.
        is_causal: whether the place is chosen by running the model.
    """

    method: DirectionMethod
    contrast: Literal["label", "behaviour"]
    judge: str | None
    keys_layer: int | float | None
    is_causal: bool

    @property
    def needs_model(self) -> bool:
        """Whether finding the direction runs the model."""
        return self.is_causal or self.keys_layer is not None


def read_settings(stanza: Mapping[str, Any]) -> DirectionSettings:
    """Check a ``direction`` stanza without a model.

    Raises:
        ConfigError: a key or name is unknown, or keys contradict each other.
    """
    settings = dict(stanza)
    contrast = settings.pop("contrast", "label")
    judge = settings.pop("judge", None)
    keys_layer = settings.pop("keys_layer", None)
    if contrast not in CONTRASTS:
        raise UnknownNameError("contrast", str(contrast), CONTRASTS)
    if (contrast == "behaviour") != (judge is not None):
        raise ConfigError("contrast: behaviour needs a judge, and contrast: label takes none")
    if isinstance(keys_layer, bool | str):
        raise ConfigError(f"keys_layer: {keys_layer!r} must be a block's index or a fraction of the depth")
    method = build_method(settings)
    return DirectionSettings(method, contrast, judge, keys_layer, bool(getattr(method, "is_causal", False)))


def find_direction(
    stanza: Mapping[str, Any],
    activations: Activations,
    *,
    seed: int,
    judgments: pd.DataFrame | None = None,
    access: "ModelAccess | None" = None,
) -> Direction:
    """Find the direction that a stanza describes.

    Args:
        stanza: ``method`` with its settings, and ``contrast``, ``judge``, ``keys_layer``.
        activations: states of the calibration prompts.
        seed: seed of every random choice.
        judgments: the judge's verdicts on the original model's answers to the calibration prompts, for
            ``contrast: behaviour``.
        access: the model and the calibration prompts, for ``layer: causal`` and for ``keys_layer``.

    Raises:
        ConfigError: the settings do not fit the model, or need what was not given.
        DataError: the activations or judgments do not allow it.
    """
    settings = read_settings(stanza)
    if settings.needs_model and access is None:
        raise ConfigError("layer: causal and keys_layer need the model and the calibration prompts")
    if settings.contrast == "behaviour":
        if judgments is None:
            raise ConfigError("contrast: behaviour needs the judge's verdicts on the calibration prompts")
        activations = activations.by_behaviour(judgments)
    causal = None
    if settings.is_causal and access is not None:
        from steadfast.causal import ModelScores

        causal = ModelScores(access)
    direction = settings.method.find(activations, seed=seed, causal=causal)
    if settings.keys_layer is None or access is None or not direction.valid:
        return direction
    return _with_keys(direction, activations, settings.keys_layer, access, seed)


def _with_keys(
    direction: Direction, activations: Activations, keys_layer: int | float, access: "ModelAccess", seed: int
) -> Direction:
    from steadfast.keys import rank_one_tensors

    layer = resolve_layer(keys_layer, activations.depth)
    position = direction.position if direction.position is not None else -1
    tensors = rank_one_tensors(
        access, activations.harmful.prompt_ids, activations.harmless.prompt_ids, layer, position, seed
    )
    return replace(
        direction,
        tensors={**direction.tensors, **tensors},
        details={**direction.details, "keys_layer": layer},
    )
