"""Biprojected ablation: the direction also loses its component along each edited layer's harmless mean (Lai 2025b)."""

from typing import ClassVar

from steadfast.attacks.edits.projection import ProjectionEdit, build_projection
from steadfast.attacks.edits.settings import NormSettings


class Settings(NormSettings):
    """As `projected`, also without the component along the harmless mean of each edited block."""

    needs_class_means: ClassVar[bool] = True


def build(settings: Settings) -> ProjectionEdit:
    """The edit."""
    return build_projection(settings, preserve_norm=settings.preserve_norm, harmless="each_layer")
