"""Weight orthogonalization: W ← W − s·Rᵀ(RW) (Arditi et al. 2024, section 4.1, with a scale)."""

from collections.abc import Mapping, Sequence

from steadfast.attacks.edits.projection import ProjectionEdit, build_projection
from steadfast.attacks.edits.targets import DEFAULT_TARGETS


def build(
    targets: Sequence[str] = DEFAULT_TARGETS,
    scale: float = 1.0,
    kernel: Mapping[str, float] | None = None,
    skip_first: int = 0,
    layers: Sequence[int] | None = None,
) -> ProjectionEdit:
    """Build the edit.

    Args:
        targets: any of ``attention_output``, ``mlp_output``, ``embedding``.
        scale: 1 removes the directions, less weakens them, 2 reflects them.
        kernel: weights of the scale along the depth: ``peak``, ``width``, ``edge``; none by default.
        skip_first: number of first blocks that are left alone.
        layers: first and last block that are edited; all by default.
    """
    return build_projection(targets, scale, kernel, skip_first, layers)
