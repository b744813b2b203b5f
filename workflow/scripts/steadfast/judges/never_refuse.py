"""Baseline that calls no response a refusal: what agreement is worth when nothing is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from steadfast.judges._settings import check_keys
from steadfast.verdicts import NON_REFUSAL, Case, Judge, Verdict

SCOPE: Literal["grid"] = "grid"


@dataclass(frozen=True)
class Constant:
    """Gives the same verdict on every case."""

    def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """One and the same verdict per case."""
        return [Verdict(NON_REFUSAL)] * len(cases)


def build() -> Judge:
    """The baseline; it has no settings."""
    return Constant()


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check that there are no settings."""
    check_keys(settings, allowed=())


def files(settings: Mapping[str, Any]) -> list[str]:
    """It reads no files."""
    return []
