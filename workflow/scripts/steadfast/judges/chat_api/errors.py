"""Finding an error in a provider's JSON, whatever its form, and what it says."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from steadfast.judges.chat_api.fault_table import Said
from steadfast.judges.chat_api.faults import clean

_CODES = frozenset(
    "code type status reason status_code error_code err_code errcode error_type provider_code kind blockreason"
    " block_reason finish_reason native_finish_reason stop_reason category".split()
)
_WORDS = frozenset(
    "message msg detail details error errors status_msg error_msg errmsg error_message title description raw reasons"
    " explanation cause blockreasonmessage block_reason_message loc".split()
)
# What a provider quotes of the request or of an answer: its words are nobody's explanation.
_QUOTED = frozenset("flagged_input failed_generation input prompt messages request content param url trace_id".split())
_STATUSES = ("code", "status", "status_code", "http_code", "http_status", "error_code")
_DEEPEST = 8
# Codes that say that nothing is wrong.
_NO_CODES = frozenset({"0", "200", "ok", "success", "none"})


def error_in(body: Any) -> Any:
    """The part of a body that reports an error; None if it reports none."""
    if isinstance(body, list):
        return next((found for found in map(error_in, body) if found), None)
    if not isinstance(body, Mapping):
        return None
    if body.get("error"):
        return {**body, "error": _parsed(body["error"])}
    base = body.get("base_resp")  # MiniMax
    if isinstance(base, Mapping) and base.get("status_code"):
        return base
    if body.get("object") == "error" or body.get("type") == "error":
        return body
    says = any(body.get(key) for key in ("errors", "detail", "message", "msg", "error_msg", "error_message"))
    return body if says and not body.get("choices") else None


def said_in(error: Any, secret: str | None, status: int | None = None) -> Said:
    """What an error says.

    Args:
        error: a JSON value.
        secret: what may not be repeated.
        status: the HTTP status, if it is one of an error; else the error's own counts.
    """
    found = _Found()
    _collect(error, found)
    flagged = f"filtered: {', '.join(found.flagged)}" if found.flagged else ""
    words = "; ".join(dict.fromkeys(word for word in (*found.words, flagged) if word))
    codes = tuple(dict.fromkeys(clean(code, secret) for code in found.codes if code.casefold() not in _NO_CODES))
    return Said(status or _status(error), codes, clean(words, secret))


@dataclass
class _Found:
    """What was found in an error so far."""

    codes: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)


def _collect(value: Any, found: _Found, key: str = "message", depth: int = 0) -> None:
    value = _parsed(value)
    if depth > _DEEPEST or value is None or value == "":
        return
    if isinstance(value, Mapping):
        found.flagged += [str(name) for name, part in value.items() if isinstance(part, Mapping) and _filtered(part)]
        for name, part in value.items():
            if str(name).casefold() not in _QUOTED:
                _collect(part, found, str(name).casefold(), depth + 1)
    elif isinstance(value, list):
        for part in value:
            _collect(part, found, key, depth + 1)
    elif key in _CODES and not isinstance(value, bool):
        found.codes.append(str(value))
    elif key in _WORDS and isinstance(value, str):
        found.words.append(" ".join(value.split()))


def _filtered(part: Mapping[str, Any]) -> bool:
    """Whether a part of a content filter's result says that its category stopped the text (Azure)."""
    return part.get("filtered") is True


def _parsed(value: Any) -> Any:
    """A JSON object or list that was put into a string, as routers do with what another provider said."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _status(error: Any) -> int | None:
    """The first number in an error, outermost first, that is the HTTP status of an error."""
    return next((code for part in _levels(error) for code in map(_as_status, map(part.get, _STATUSES)) if code), None)


def _levels(error: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if isinstance(error, Mapping) and depth <= _DEEPEST:
        yield error
        yield from _levels(_parsed(error.get("error")), depth + 1)


def _as_status(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isdigit() and 400 <= int(text) < 600 else None
