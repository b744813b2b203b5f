"""Baseline that calls no response a refusal: what agreement is worth when nothing is read."""

from steadfast.core.names import NON_REFUSAL
from steadfast.judges.blind import SCOPE, BlindJudge, check_settings, files
from steadfast.judges.interface import Judge

__all__ = ["SCOPE", "build", "check_settings", "files"]


def build() -> Judge:
    """The baseline; it has no settings."""
    return BlindJudge(lambda case: NON_REFUSAL)
