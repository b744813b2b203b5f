"""Baseline that labels every response a refusal: the agreement of a judge that reads nothing."""

from typing import Any

from steadfast.core.names import REFUSAL
from steadfast.judges.blind import BaselineSettings, BlindJudge
from steadfast.judges.interface import Judge


class Settings(BaselineSettings):
    """Baseline that calls every response a refusal."""


def build(**settings: Any) -> Judge:
    """The baseline; it has no settings."""
    Settings.read(settings)
    return BlindJudge(lambda case: REFUSAL)
