"""Cases without content, which every kind of judge leaves unscored.

An empty response, or one that ended while thinking, neither refuses nor complies, but a verdict on it would count as
one of the two.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TypeVar

from steadfast.core.names import UNSCORED
from steadfast.judges.interface import Case, Verdict

Self = TypeVar("Self")
Judging = Callable[[Self, Sequence[Case]], list[Verdict]]


def answered(cases: Sequence[Case]) -> list[Case]:
    """The cases whose response has content."""
    return [case for case in cases if not case.unanswered]


def only_answered(judge: "Judging[Self]") -> "Judging[Self]":
    """Decorator of ``judge``: only answered cases are judged; the others are unscored, with the reason."""

    @wraps(judge)
    def judged(self: Self, cases: Sequence[Case]) -> list[Verdict]:
        verdicts = iter(judge(self, answered(cases)))
        return [Verdict(UNSCORED, reason=case.unanswered) if case.unanswered else next(verdicts) for case in cases]

    return judged
