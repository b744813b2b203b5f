"""Weight orthogonalization: W ← W − s·Rᵀ(RW) (Arditi et al. 2024, section 4.1, with a scale)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from steadfast.attacks.edits.projection import ProjectionEdit, build_projection
from steadfast.attacks.edits.settings import ProjectionSettings


class Settings(ProjectionSettings):
    """W ← W − s·r(rᵀW) on the matrices that write to the residual stream."""

    search_rank: ClassVar[int | None] = 1
    usual: ClassVar[Mapping[str, Any]] = {}


def build(settings: Settings) -> ProjectionEdit:
    """The edit."""
    return build_projection(settings)
