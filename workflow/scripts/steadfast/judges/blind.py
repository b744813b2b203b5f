"""What judges share that do not read the response: no settings, no files, one job for the whole grid."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from steadfast.core.names import VerdictName
from steadfast.judges.interface import Case, Verdict
from steadfast.judges.setting_checks import check_keys
from steadfast.judges.unscored import only_answered

SCOPE: Literal["grid"] = "grid"


@dataclass(frozen=True)
class BlindJudge:
    """Decides by what is known of a case without its response.

    Attributes:
        decide: the verdict on a case.
    """

    decide: Callable[[Case], VerdictName]

    @only_answered
    def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """One verdict per case."""
        return [Verdict(self.decide(case)) for case in cases]


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check that there are no settings."""
    check_keys(settings, allowed=())


def files(settings: Mapping[str, Any]) -> list[str]:
    """It reads no files."""
    return []
