"""Projected ablation: the direction without its component along the harmless mean of its layer (Lai 2025a)."""

from typing import ClassVar

from steadfast.attacks.edits.projection import ProjectionEdit, build_projection
from steadfast.attacks.edits.settings import NormSettings


class Settings(NormSettings):
    """As `orthogonalize`, after removing the component along the harmless mean from the direction."""

    search_rank: ClassVar[int | None] = 3
    needs_class_means: ClassVar[bool] = True


def build(settings: Settings) -> ProjectionEdit:
    """The edit."""
    return build_projection(settings, preserve_norm=settings.preserve_norm, harmless="own_layer")
