"""Cases that say nothing are judged by nobody: every kind of judge leaves them unscored.

An empty response, or one that was cut off within its thinking, neither refuses nor complies. Whatever a judge made of
it (a phrase list finds no phrase, a model reads an empty quotation) would count as one of both.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TypeVar

from steadfast.core.names import UNSCORED
from steadfast.judges.interface import Case, Verdict

Self = TypeVar("Self")
Judging = Callable[[Self, Sequence[Case]], list[Verdict]]


def answered(cases: Sequence[Case]) -> list[Case]:
    """The cases whose response says something."""
    return [case for case in cases if not case.unanswered]


def only_answered(judge: "Judging[Self]") -> "Judging[Self]":
    """Let a judge's ``judge`` see the answered cases only; the others are unscored, with the reason."""

    @wraps(judge)
    def judged(self: Self, cases: Sequence[Case]) -> list[Verdict]:
        verdicts = iter(judge(self, answered(cases)))
        return [Verdict(UNSCORED, reason=case.unanswered) if case.unanswered else next(verdicts) for case in cases]

    return judged
