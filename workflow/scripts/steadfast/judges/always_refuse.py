"""Baseline that calls every response a refusal: what agreement is worth when nothing is read."""

from steadfast.judges._blind import SCOPE, BlindJudge, check_settings, files
from steadfast.verdicts import REFUSAL, Judge

__all__ = ["SCOPE", "build", "check_settings", "files"]


def build() -> Judge:
    """The baseline; it has no settings."""
    return BlindJudge(lambda case: REFUSAL)
