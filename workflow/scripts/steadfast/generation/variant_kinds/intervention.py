"""A checkpoint that generates under an inference-time intervention, in transformers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steadfast.attacks.directions import load_direction
from steadfast.attacks.interventions import preparation
from steadfast.core.errors import ConfigError
from steadfast.core.files import sha256_file
from steadfast.generation.engines.transformers import build as build_engine
from steadfast.generation.interface import Runtime
from steadfast.generation.variant_kinds import PreparedVariant


def build(
    checkpoint: str | Path,
    direction: str | Path | None,
    settings: Mapping[str, Any],
    *,
    dtype: str,
    machine: Mapping[str, Any],
) -> PreparedVariant:
    """Prepare an intervention from the setting ``hook`` and a direction.

    Raises:
        ConfigError: there is no direction file.
    """
    if direction is None:
        raise ConfigError(f"{checkpoint}: an intervention needs a direction file")
    hook = settings["hook"]
    engine = build_engine(dtype=dtype, runtime=Runtime(**machine), prepare=preparation(hook, direction))
    identity = {"hook": hook, "direction": sha256_file(direction)}
    return PreparedVariant(load_direction(direction).valid, {"engine": engine, "identity": identity})
