"""Weight orthogonalization that keeps the length of every column: W ← (W − s·Rᵀ(RW))·diag(‖w_j‖/‖w′_j‖).

Lai (2025b) proposed norm-preserving ablation with rescaled rows; rescaling a row changes its contribution to rᵀW, so
the direction reappears. A factor per input feature preserves rᵀW = 0.
"""

from typing import ClassVar

from steadfast.attacks.edits.projection import ProjectionEdit, build_projection
from steadfast.attacks.edits.settings import ProjectionSettings


class Settings(ProjectionSettings):
    """As `orthogonalize`, with columns rescaled to their original norms, so that rᵀW = 0 still holds."""

    search_rank: ClassVar[int | None] = 2

    def no_adapter(self) -> str:
        """Rescaling each column is not a low-rank change."""
        return "preserves norms"


def build(settings: Settings) -> ProjectionEdit:
    """The edit."""
    return build_projection(settings, preserve_norm=True)
