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

A fault is determined from HTTP status, code, type and text, anywhere in the body (`steadfast.judges.chat_api.replies`),
by the table in `steadfast.judges.chat_api.fault_table`. No table can list all wordings: an unknown rejection is
attributed to the case, with `Fault.sure` False, and a harmless question then shows whether the endpoint works
(`steadfast.judges.chat_api.running`). Faults are never stored in the result cache.
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
    """An endpoint cannot be used; earlier answers are kept."""


@dataclass(frozen=True)
class Fault:
    """A request that was not answered.

    Attributes:
        kind: `case` (this request cannot be answered), `passing` (try again) or `fatal` (no request can be).
        reason: readable reason with the provider's words; contains no secret.
        name: name of the matching rule; empty if there is none.
        status: the HTTP status, if any.
        wait: seconds that the server requests to wait, or None.
        sure: whether the kind is certain, not only the most likely.
        generation: whether the endpoint works and only this generation failed.
    """

    kind: Kind
    reason: str
    name: str = ""
    status: int | None = None
    wait: float | None = None
    sure: bool = True
    generation: bool = False

    def after(self, attempts: int) -> "Fault":
        """The fault after the last retry: a generation that failed every time is attributed to its case."""
        reason = f"{self.reason} (after {attempts} attempts)"
        if self.generation:
            return replace(self, kind="case", reason=reason, sure=False)
        return replace(self, reason=reason)


def requested_wait(headers: Mapping[str, str], words: str = "") -> float | None:
    """Seconds that a server asks to wait.

    Args:
        headers: HTTP headers; `retry-after-ms`, or `retry-after` in seconds or as a date, takes precedence.
        words: text of the reply; "try again in 2.5s" is used if there is no such header.
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
