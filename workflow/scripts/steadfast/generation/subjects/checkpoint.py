"""A checkpoint that generates with an engine of the configuration, with or without a decoding rule."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steadfast.generation.subjects import Subject
from steadfast.models.edited import has_no_valid_direction


def build(
    checkpoint: str | Path,
    direction: str | Path | None,
    settings: Mapping[str, Any],
    *,
    dtype: str,
    machine: Mapping[str, Any],
) -> Subject:
    """A subject from the settings ``engine`` and ``decoding``; a direction plays no part."""
    return Subject(not has_no_valid_direction(checkpoint), {**settings, "dtype": dtype, **machine})
