"""Base of judges that do not read the response; they have no settings and no files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from steadfast.core.names import VerdictName
from steadfast.judges.interface import Case, Verdict
from steadfast.judges.settings import JudgeSettings
from steadfast.judges.unscored import only_answered


class BaselineSettings(JudgeSettings):
    """Settings of a judge that does not read the response."""

    reads_response: ClassVar[bool] = False


@dataclass(frozen=True)
class BlindJudge:
    """Decides without the response.

    Attributes:
        decide: returns the verdict on a case.
    """

    decide: Callable[[Case], VerdictName]

    @only_answered
    def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """One verdict per case."""
        return [Verdict(self.decide(case)) for case in cases]
