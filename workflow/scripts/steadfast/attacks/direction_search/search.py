"""From a variant's ``direction`` entry to its direction: the steps shared by all methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import (
    CausalScores,
    Direction,
    DirectionMethod,
    build_method,
    resolve_layer,
)
from steadfast.attacks.directions.settings import BlockIndex, DepthFraction
from steadfast.core.errors import ConfigError
from steadfast.core.settings import SettingsModel

CONTRASTS = ("label", "behavior")


class Measurements(Protocol):
    """Measurements on the running model; see ``steadfast.attacks.direction_search.measurements``."""

    @property
    def scores(self) -> CausalScores:
        """Causal scores of candidates."""
        ...

    def keys(
        self, harmful: Sequence[str], harmless: Sequence[str], layer: int, position: int, seed: int
    ) -> Mapping[str, NDArray[np.float32]]:
        """Tensors that a rank-one edit of a block needs, from the prompts of these ids."""
        ...


class KeysSettings(SettingsModel):
    """Setting that the grid adds to a ``direction`` entry, for an edit that needs keys."""

    keys_layer: BlockIndex | DepthFraction | None = None


@dataclass(frozen=True)
class ReadDirection:
    """A ``direction`` entry.

    Attributes:
        method: the method with its own settings.
        contrast: ``label`` contrasts harmful with harmless prompts, ``behavior`` prompts that the original model
            refused with prompts that it answered.
        judge: the judge whose verdicts separate refused from answered prompts.
        keys_layer: block whose MLP keys are recorded for a rank-one edit, or None.
        is_causal: whether the location is selected by running the model.
    """

    method: DirectionMethod
    contrast: Literal["label", "behavior"]
    judge: str | None
    keys_layer: int | float | None
    is_causal: bool

    @property
    def needs_model(self) -> bool:
        """Whether finding the direction runs the model."""
        return self.is_causal or self.keys_layer is not None


def read_settings(entry: Mapping[str, Any]) -> ReadDirection:
    """Check a ``direction`` entry without a model.

    Raises:
        ConfigError: a key or name is unknown, or keys contradict each other.
    """
    settings = dict(entry)
    contrast = settings.get("contrast", "label")
    judge = settings.get("judge")
    keys_layer = KeysSettings.read({"keys_layer": settings.pop("keys_layer", None)}).keys_layer
    method = build_method(settings)
    return ReadDirection(method, contrast, judge, keys_layer, bool(getattr(method, "is_causal", False)))


def save_directions(
    searches: Sequence[Mapping[str, Any]],
    outputs: Mapping[str, str | Path],
    activations: Activations,
    *,
    seed: int,
    judgments: Mapping[str, pd.DataFrame],
    model: Measurements | None = None,
) -> None:
    """Find directions of one model and write each for the variants that use it.

    Args:
        searches: for each direction its ``settings`` (a ``direction`` entry) and its ``variants``.
        outputs: direction files to write, by variant.
        activations: see ``find_direction``, also for the other arguments.
        seed: the same.
        judgments: the same, by the name of the judge.
        model: the same.
    """
    for search in searches:
        settings, variants = search["settings"], search["variants"]
        print(f"{', '.join(variants)}:", flush=True)
        verdicts = judgments.get(settings.get("judge", ""))
        direction = find_direction(settings, activations, seed=seed, judgments=verdicts, model=model)
        for variant in variants:
            direction.save(outputs[variant])


def find_direction(
    entry: Mapping[str, Any],
    activations: Activations,
    *,
    seed: int,
    judgments: pd.DataFrame | None = None,
    model: Measurements | None = None,
) -> Direction:
    """Find the direction that an entry describes.

    Args:
        entry: ``method`` with its settings, and ``contrast``, ``judge``, ``keys_layer``.
        activations: states of the calibration prompts.
        seed: seed of every random choice.
        judgments: the judge's verdicts on the original model's responses to the calibration prompts, for
            ``contrast: behavior``.
        model: runs the model, for ``layer: causal`` and for ``keys_layer``.

    Raises:
        ConfigError: the settings do not fit the model, or need what was not given.
        DataError: the activations or judgments do not allow it.
    """
    settings = read_settings(entry)
    if settings.needs_model and model is None:
        raise ConfigError("layer: causal and keys_layer need the model and the calibration prompts")
    if settings.contrast == "behavior":
        if judgments is None:
            raise ConfigError("contrast: behavior needs the judge's verdicts on the calibration prompts")
        activations = activations.by_behavior(judgments)
    scores = model.scores if settings.is_causal and model is not None else None
    direction = settings.method.find(activations, seed=seed, causal=scores)
    if settings.keys_layer is None or model is None or not direction.valid:
        return direction
    layer = resolve_layer(settings.keys_layer, activations.depth)
    position = direction.position if direction.position is not None else -1
    keys = model.keys(activations.harmful.prompt_ids, activations.harmless.prompt_ids, layer, position, seed)
    return replace(
        direction,
        tensors={**direction.tensors, **keys},
        details={**direction.details, "keys_layer": layer},
    )
