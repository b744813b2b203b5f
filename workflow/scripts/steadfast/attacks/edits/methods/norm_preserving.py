"""Weight orthogonalization that keeps the length of every column: W ← (W − s·Rᵀ(RW))·diag(‖w_j‖/‖w′_j‖).

Norm-preserving ablation was proposed by Lai (2025b) with rows rescaled; scaling a row changes its share of rᵀW, so that
the direction reappears. A factor per input feature preserves rᵀW = 0.
"""

from typing import ClassVar

from steadfast.attacks.edits.projection import ProjectionEdit, build_projection
from steadfast.attacks.edits.settings import ProjectionSettings


class Settings(ProjectionSettings):
    """As `orthogonalize`, with columns rescaled to their original norms, so that rᵀW = 0 still holds."""

    search_rank: ClassVar[int | None] = 2

    def no_adapter(self) -> str:
        """A factor for each column is not of low rank."""
        return "preserves norms"


def build(settings: Settings) -> ProjectionEdit:
    """The edit."""
    return build_projection(settings, preserve_norm=True)
