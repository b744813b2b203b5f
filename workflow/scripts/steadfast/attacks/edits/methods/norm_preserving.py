"""Weight orthogonalization that keeps the length of every column: W ← (W − s·Rᵀ(RW))·diag(‖w_j‖/‖w′_j‖).

Norm-preserving ablation was proposed by Lai (2025b) with rows rescaled; scaling a row changes its share of rᵀW, so
that the direction comes back. A factor per input feature leaves rᵀW = 0.
"""

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
    """Build the edit; the settings are those of ``orthogonalize``."""
    return build_projection(targets, scale, kernel, skip_first, layers, preserve_norm=True)
