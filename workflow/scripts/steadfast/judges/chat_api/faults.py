"""Faults: responses of a provider without an answer, and their handling.

=========  ================================================  ======================================================
kind       examples                                          what follows
=========  ================================================  ======================================================
`case`     moderated, too long, output limit used up by      the case is unscored with the provider's words; it is
           thinking, a generation that failed                not asked again in this run
`passing`  time-out, rate limit, HTTP 5xx, upstream error    asked again, a bounded number of times
`fatal`    wrong key, no credit, unknown model, parameter    the job stops at once and says what to change
           not supported, another model answered
=========  ================================================  ======================================================

A fault is read from everything that a provider says: HTTP status, code, type and text, wherever in the body they are
(`steadfast.judges.chat_api.replies`), by the one table of `steadfast.judges.chat_api.fault_table`. Providers invent
words, so no table knows them all: a rejection that it does not know is taken for the case's, but not surely
(`Fault.sure`), and a harmless question decides whether the endpoint works at all (`steadfast.judges.chat_api.running`).

No fault is ever kept in the result cache.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time
from typing import Any, Literal

from steadfast.core.errors import SteadfastError

Kind = Literal["case", "passing", "fatal"]
LONGEST_REASON = 300
_WAIT = re.compile(
    r"\b(?:retry|again) (?:in|after) ([\d.]+) ?(ms|milliseconds|s|sec|seconds|m|minutes)\b", re.IGNORECASE
)
_UNITS = {"ms": 0.001, "milliseconds": 0.001, "m": 60.0, "minutes": 60.0}


class EndpointError(SteadfastError):
    """An endpoint does not do what it is asked; what it answered before is kept."""


@dataclass(frozen=True)
class Fault:
    """A request that was not answered.

    Attributes:
        kind: `case` (this request cannot be answered), `passing` (try again) or `fatal` (no request can be).
        reason: for people, with the provider's words; holds no secret.
        name: what happened, as the table names it; empty if no rule knows it.
        status: the HTTP status, if it was one.
        wait: seconds that the server asks to wait, or None.
        sure: whether that is known, and not only the likeliest reading.
        generation: whether the endpoint worked, and only the generation of this answer failed.
    """

    kind: Kind
    reason: str
    name: str = ""
    status: int | None = None
    wait: float | None = None
    sure: bool = True
    generation: bool = False

    def after(self, attempts: int) -> "Fault":
        """What a passing fault is that did not pass: a generation that failed every time fails for its case."""
        reason = f"{self.reason} (after {attempts} attempts)"
        if self.generation:
            return replace(self, kind="case", reason=reason, sure=False)
        return replace(self, reason=reason)


def requested_wait(headers: Mapping[str, str], words: str = "") -> float | None:
    """Seconds that a server asks to wait.

    Args:
        headers: `retry-after-ms`, or `retry-after` as seconds or as a date, decides.
        words: what it says; "try again in 2.5s" counts if no header does.
    """
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        seconds = _seconds(value) if value else None
        if seconds is not None:
            return max(0.0, seconds / unit)
    found = _WAIT.search(words)
    seconds = _seconds(found.group(1)) if found else None
    return None if found is None or seconds is None else seconds * _UNITS.get(found.group(2).casefold(), 1.0)


def clean(text: Any, secret: str | None) -> str:
    """One line of at most 300 characters, without the secret."""
    line = " ".join(hide(str(text), secret).split())
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}..."


def hide(text: str, secret: str | None) -> str:
    """`text` with every occurrence of the secret replaced."""
    return text.replace(secret, "[key]") if secret else text


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time()
        except (TypeError, ValueError):
            return None
    return seconds if isfinite(seconds) else None
