"""A checkpoint that generates with an engine of the configuration, with or without a decoding rule."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steadfast.generation.variant_kinds import PreparedVariant
from steadfast.models.edited import has_no_valid_direction


def build(
    checkpoint: str | Path,
    direction: str | Path | None,
    settings: Mapping[str, Any],
    *,
    dtype: str,
    machine: Mapping[str, Any],
) -> PreparedVariant:
    """Prepare a checkpoint with the settings ``engine`` and ``decoding``; ``direction`` is ignored."""
    return PreparedVariant(not has_no_valid_direction(checkpoint), {**settings, "dtype": dtype, **machine})
