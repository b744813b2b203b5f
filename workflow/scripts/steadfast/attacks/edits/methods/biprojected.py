"""Biprojected ablation: also without the component along the harmless mean of each layer that is edited (Lai 2025b)."""

from collections.abc import Mapping, Sequence

from steadfast.attacks.edits.projection import ProjectionEdit, build_projection
from steadfast.attacks.edits.targets import DEFAULT_TARGETS


def build(
    targets: Sequence[str] = DEFAULT_TARGETS,
    scale: float = 1.0,
    kernel: Mapping[str, float] | None = None,
    skip_first: int = 0,
    layers: Sequence[int] | None = None,
    preserve_norm: bool = False,
) -> ProjectionEdit:
    """Build the edit; ``preserve_norm`` keeps the columns' lengths, the rest is as in ``orthogonalize``."""
    return build_projection(
        targets, scale, kernel, skip_first, layers, preserve_norm=preserve_norm, harmless="each_layer"
    )
