"""Baseline that calls every response a refusal: what agreement is worth when nothing is read."""

from steadfast.core.names import REFUSAL
from steadfast.judges.blind import SCOPE, BlindJudge, check_settings, files
from steadfast.judges.interface import Judge

__all__ = ["SCOPE", "build", "check_settings", "files"]


def build() -> Judge:
    """The baseline; it has no settings."""
    return BlindJudge(lambda case: REFUSAL)
