"""Rules of the table of faults: what a provider says, and when a line of the table holds for it."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from steadfast.judges.chat_api.faults import Kind

Matched = Literal["status", "code", "parameter", "text"]
Statuses = frozenset[int]


@dataclass(frozen=True)
class ErrorReply:
    """What a provider said instead of answering.

    Attributes:
        status: the HTTP status, or the one in the body where HTTP says 200; None if there is none.
        codes: machine-readable codes, types and statuses.
        words: its explanation, without what it quotes of the request, and without secrets.
        parameter: the parameter that it complains of, if it names one of those that judges send in a field of its own.
    """

    status: int | None = None
    codes: tuple[str, ...] = ()
    words: str = ""
    parameter: str = ""

    @property
    def reason(self) -> str:
        """For people."""
        words = self.words or ", ".join(self.codes) or "without a word"
        if self.parameter and self.parameter not in words:
            words = f"{words} (parameter {self.parameter!r})"
        return f"HTTP {self.status}: {words}" if self.status else words


@dataclass(frozen=True)
class Rule:
    """A line of the table. It holds by a status, or else by a code, a parameter or a text within some statuses.

    Attributes:
        name: what happened.
        kind: what follows.
        status: statuses that suffice.
        codes: patterns that are searched in every code, written in small letters and digits alone.
        texts: patterns that are searched in the words, whatever the case of their letters.
        within: statuses in which codes and texts count; None for any.
        unless: patterns of texts with which neither counts.
        not_codes: patterns of codes that are none of the rule's.
        advice: what to change.
        decisive: whether its codes count before the status of any rule does.
        parameter: whether it holds where the provider names a parameter.
        generation: whether it may be of the case, if it does not pass.
        sure: whether it is known what follows. By a text alone it never is.
    """

    name: str
    kind: Kind
    status: Statuses = frozenset()
    codes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    within: Statuses | None = None
    unless: tuple[str, ...] = ()
    not_codes: tuple[str, ...] = ()
    advice: str = ""
    decisive: bool = field(default=False, kw_only=True)
    parameter: bool = field(default=False, kw_only=True)
    generation: bool = field(default=False, kw_only=True)
    sure: bool = field(default=True, kw_only=True)

    def match(self, reply: ErrorReply) -> Matched | None:
        """By what the rule holds; None if it does not."""
        if reply.status in self.status:
            return "status"
        if self.has_code(reply):
            return "code"
        if not self._counts(reply):
            return None
        if self.parameter and reply.parameter:
            return "parameter"
        return "text" if _found(self._texts, reply.words) else None

    def has_code(self, reply: ErrorReply) -> bool:
        """Whether one of the codes is the rule's."""
        codes = map(_letters, reply.codes)
        return self._counts(reply) and any(
            _found(self._codes, code) and not _found(self._not_codes, code) for code in codes
        )

    def _counts(self, reply: ErrorReply) -> bool:
        """Whether codes and words count at all."""
        outside = self.within is not None and reply.status is not None and reply.status not in self.within
        return not outside and not _found(self._unless, reply.words)

    @cached_property
    def _codes(self) -> re.Pattern[str] | None:
        return _any_of(self.codes)

    @cached_property
    def _texts(self) -> re.Pattern[str] | None:
        return _any_of(self.texts)

    @cached_property
    def _unless(self) -> re.Pattern[str] | None:
        return _any_of(self.unless)

    @cached_property
    def _not_codes(self) -> re.Pattern[str] | None:
        return _any_of(self.not_codes)


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    return (
        re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE | re.DOTALL) if patterns else None
    )


def _found(pattern: re.Pattern[str] | None, text: str) -> bool:
    return pattern is not None and pattern.search(text) is not None


def _letters(code: str) -> str:
    return re.sub(r"[^a-z0-9]", "", code.casefold())
