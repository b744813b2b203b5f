"""Baseline that labels no response a refusal: the agreement of a judge that reads nothing."""

from typing import Any

from steadfast.core.names import NON_REFUSAL
from steadfast.judges.blind import BaselineSettings, BlindJudge
from steadfast.judges.interface import Judge


class Settings(BaselineSettings):
    """Baseline that calls no response a refusal."""


def build(**settings: Any) -> Judge:
    """The baseline; it has no settings."""
    Settings.read(settings)
    return BlindJudge(lambda case: NON_REFUSAL)
