"""Rules of the fault table: parsed error replies, and how a rule matches them."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from steadfast.judges.chat_api.faults import Kind

Matched = Literal["status", "code", "parameter", "text"]
Statuses = frozenset[int]


@dataclass(frozen=True)
class ErrorReply:
    """A provider's reply without an answer.

    Attributes:
        status: the HTTP status, or the status in the body if HTTP returned 200; None if there is none.
        codes: machine-readable codes, types and statuses.
        words: its explanation, without quotations of the request and without secrets.
        parameter: the rejected parameter, if a separate field names one that judges send.
    """

    status: int | None = None
    codes: tuple[str, ...] = ()
    words: str = ""
    parameter: str = ""

    @property
    def reason(self) -> str:
        """Readable description."""
        words = self.words or ", ".join(self.codes) or "without a word"
        if self.parameter and self.parameter not in words:
            words = f"{words} (parameter {self.parameter!r})"
        return f"HTTP {self.status}: {words}" if self.status else words


@dataclass(frozen=True)
class Rule:
    """A row of the table. It matches by a status, or by a code, a parameter or a text within given statuses.

    Attributes:
        name: what happened.
        kind: kind of the fault.
        status: statuses that match by themselves.
        codes: patterns searched in every code, after reduction to lowercase letters and digits.
        texts: patterns searched in the words, ignoring case.
        within: statuses with which codes and texts are considered; None for any.
        unless: patterns of texts that prevent a match by codes or texts.
        not_codes: patterns of codes that never match.
        advice: what to change.
        decisive: whether its codes are matched before any status.
        parameter: whether it matches if the provider names a parameter.
        generation: whether it belongs to the case if retries fail.
        sure: whether the kind is certain; a match by text alone never is.
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
        """What the rule matches by; None if it does not match."""
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
        """Whether one of the codes matches the rule."""
        codes = map(_letters, reply.codes)
        return self._counts(reply) and any(
            _found(self._codes, code) and not _found(self._not_codes, code) for code in codes
        )

    def _counts(self, reply: ErrorReply) -> bool:
        """Whether codes and words are considered."""
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
