"""What an endpoint can do instead of answering, and what follows from it.

==========================================================  ==========================================
time-out, broken connection, HTTP 408, 409, 425, 429, 5xx   tried again, later
not JSON, no choices, no message                            tried again, later
HTTP 400, 413, 422 on account of this one case              given up: the case is unscored
stopped by a content filter                                 given up: the case is unscored
every other HTTP status (401, 403, 404, ...)                given up: the endpoint refuses us
answered by another model than the one asked for            given up: the endpoint refuses us
==========================================================  ==========================================

No fault is ever kept in the store of answers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time
from typing import Any, Literal

from steadfast.errors import SteadfastError

Scope = Literal["passing", "case", "endpoint"]
LONGEST_REASON = 300
TRY_AGAIN = frozenset({408, 409, 425, 429})
ABOUT_THE_CASE = frozenset({400, 413, 422})
# An empty account is reported as HTTP 429, but waiting does not fill it.
NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "account_deactivated"})
_CASE = re.compile(
    r"content.?filter|content.?policy|responsible.?ai|moderation|flagged|safety system|invalid_prompt"
    r"|context.?length|context window|maximum (?:input|context)|too (?:long|large|many tokens)|string_above_max_length",
    re.IGNORECASE,
)


class EndpointError(SteadfastError):
    """An endpoint does not do what it is asked; what it answered before is kept."""


@dataclass(frozen=True)
class Fault:
    """A request that was not answered.

    Attributes:
        scope: ``passing`` (try again), ``case`` (this request cannot be answered) or ``endpoint`` (none can).
        reason: for people; holds no secret.
        wait: seconds that the server asks to wait, or None.
        status: the HTTP status, if it was one.
    """

    scope: Scope
    reason: str
    wait: float | None = None
    status: int | None = None


def fault_of_status(status: int, message: str, code: str | None, wait: float | None) -> Fault:
    """What an HTTP error status means.

    Args:
        status: the status.
        message: the endpoint's explanation, without secrets.
        code: its machine-readable name, if any.
        wait: seconds from the ``Retry-After`` header, if any.
    """
    reason = f"HTTP {status}: {message}"
    if code in NO_CREDIT:
        return Fault("endpoint", reason, status=status)
    if status in TRY_AGAIN or status >= 500:
        return Fault("passing", reason, wait, status)
    if status in ABOUT_THE_CASE and (status == 413 or _CASE.search(f"{code} {message}")):
        return Fault("case", reason, status=status)
    return Fault("endpoint", reason, status=status)


def requested_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the headers ask to wait: ``retry-after-ms``, or ``retry-after`` as seconds or as a date."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        seconds = _seconds(value) if value else None
        if seconds is not None:
            return max(0.0, seconds / unit)
    return None


def clean(text: Any, secret: str | None) -> str:
    """One line of at most 300 characters, without the secret."""
    line = " ".join(hide(str(text), secret).split())
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}..."


def hide(text: str, secret: str | None) -> str:
    """``text`` with every occurrence of the secret replaced."""
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
