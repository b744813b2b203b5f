"""Detection and parsing of errors in a provider's JSON, in any known form."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from steadfast.judges.chat_api.fault_rules import ErrorReply
from steadfast.judges.chat_api.faults import clean
from steadfast.judges.chat_api.parameters import known_parameter

_CODES = frozenset(
    "code type status reason status_code error_code err_code errcode error_type provider_code kind blockreason"
    " block_reason finish_reason finishreason native_finish_reason stop_reason category".split()
)
_WORDS = frozenset(
    "message msg detail details error errors status_msg error_msg errmsg error_message title description raw reasons"
    " explanation cause blockreasonmessage block_reason_message loc".split()
)
# Fields that quote the request or an answer; their text does not explain the error.
_QUOTED = frozenset("flagged_input failed_generation input prompt messages request content param url trace_id".split())
_STATUSES = ("code", "status", "status_code", "http_code", "http_status", "error_code")
_DEEPEST = 8
# A chat completion has one of these fields, even without an answer.
COMPLETION = ("choices", "usage", "promptFeedback", "prompt_feedback", "prompt_filter_results", "candidates")
# Fields that name a parameter of the request.
_PARAMETERS = frozenset({"param", "parameter"})
# Codes and words that mean success.
_NO_CODES = frozenset({"0", "200", "ok", "success", "none", "null"})
_NO_WORDS = frozenset({"", "-", "ok", "okay", "success", "succeeded", "none", "null", "no error", "noerror"})
# Fields that mean that a text was withheld. Others, such as Azure's `detected` and `severity`, also come with complete
# answers.
_WITHOUT_CATEGORY = frozenset({"filtered", "blocked"})
_WITHHELD = _WITHOUT_CATEGORY | set("input_sensitive output_sensitive is_blocked intervened need_clear_history".split())
_BLOCK_REASONS = frozenset({"blockReason", "block_reason"})
_NO_BLOCK = re.compile(r"\s*(?:none|null|.*unspecified)?\s*", re.IGNORECASE)
_OF_THE_ANSWER = frozenset("content reasoning reasoning_content tool_calls logprobs usage citations".split())


def error_in(body: Any) -> Any:
    """The part of a body that reports an error; None if it reports none."""
    if isinstance(body, list):
        return next((found for found in map(error_in, body) if found), None)
    if not isinstance(body, Mapping):
        return None
    error = body.get("error", body.get("Error"))
    if not says_nothing(error):
        return {**{key: value for key, value in body.items() if key != "choices"}, "error": _parsed(error)}
    base = body.get("base_resp")  # MiniMax
    if isinstance(base, Mapping) and not says_nothing(base):
        return base
    if body.get("object") == "error" or body.get("type") == "error":
        return body
    if body.get("choices"):
        return None
    texts = map(body.get, ("errors", "detail", "message", "msg", "error_msg", "error_message"))
    if any(value and not _is_turn(value) for value in texts):
        return body
    return None if any(key in body for key in COMPLETION) else _error_within(body)


def _is_turn(value: Any) -> bool:
    """Whether a message is a turn of a conversation, i.e. an answer of another API."""
    return isinstance(value, Mapping) and "role" in value


def _error_within(body: Mapping[str, Any]) -> Any:
    """The error inside a wrapper: `Response` (Tencent), `header` (iFlytek)."""
    found = (error_in(part) for part in body.values() if isinstance(part, Mapping) and not _is_turn(part))
    return next((error for error in found if error and not says_nothing(error)), None)


def says_nothing(error: Any) -> bool:
    """Whether the value of an error field reports no error: it is empty, null, or means success."""
    if isinstance(error, bool):
        return not error
    found = _Found()
    _collect(error, found)
    words_of_none = all(word.casefold().strip(" .!") in _NO_WORDS for word in found.words)
    return words_of_none and all(code.casefold() in _NO_CODES for code in found.codes) and not withheld_in(error)


def withheld_in(body: Any, depth: int = 0) -> list[str]:
    """Names of fields that report a withheld text: content-filter categories, flags, a block reason.

    The answer itself is not searched.
    """
    body = _parsed(body)
    if depth > _DEEPEST:
        return []
    if isinstance(body, list):
        return list(dict.fromkeys(name for part in body for name in withheld_in(part, depth + 1)))
    names = []
    for key, value in body.items() if isinstance(body, Mapping) else ():
        if key in _WITHHELD and _is_set(value):
            category = body.get("category") or body.get("id") if key in _WITHOUT_CATEGORY else None
            names.append(str(category or key))
        elif key in _BLOCK_REASONS and isinstance(value, str) and not _NO_BLOCK.fullmatch(value):
            names.append(value)
        elif key not in _OF_THE_ANSWER:
            names += [str(key) if name in _WITHOUT_CATEGORY else name for name in withheld_in(value, depth + 1)]
    return list(dict.fromkeys(names))


def error_reply_in(error: Any, secret: str | None, status: int | None = None) -> ErrorReply:
    """What an error says.

    Args:
        error: a JSON value.
        secret: text to hide.
        status: the HTTP status if it is an error status; otherwise the status in the error is used.
    """
    found = _Found()
    _collect(error, found)
    withheld = withheld_in(error)
    flagged = [f"filtered: {', '.join(withheld)}"] if withheld else []
    words = "; ".join(dict.fromkeys(word for word in (*found.words, *flagged) if word))
    codes = tuple(dict.fromkeys(clean(code, secret) for code in found.codes if code.casefold() not in _NO_CODES))
    return ErrorReply(status or _status(error), codes, clean(words, secret), found.parameter)


@dataclass
class _Found:
    """Parts of an error found so far."""

    codes: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    parameter: str = ""


def _collect(value: Any, found: _Found, key: str = "message", depth: int = 0) -> None:
    value = _parsed(value)
    if depth > _DEEPEST or value is None or value == "":
        return
    if isinstance(value, Mapping):
        for name, part in value.items():
            if str(name).casefold() in _PARAMETERS and isinstance(part, str):
                found.parameter = found.parameter or known_parameter(part)
            elif str(name).casefold() not in _QUOTED:
                _collect(part, found, str(name).casefold(), depth + 1)
    elif isinstance(value, list):
        for part in value:
            _collect(part, found, key, depth + 1)
    elif key in _CODES and not isinstance(value, bool):
        found.codes.append(str(value))
    elif key in _WORDS and isinstance(value, str):
        found.words.append(" ".join(value.split()))


def _is_set(value: Any) -> bool:
    return value is True or (not isinstance(value, bool) and str(value).casefold() in ("true", "1"))


def _parsed(value: Any) -> Any:
    """A JSON object or list encoded as a string, as routers do with another provider's reply."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _status(error: Any) -> int | None:
    """The first number in an error, outermost first, that is an HTTP error status."""
    return next((code for part in _levels(error) for code in map(_as_status, map(part.get, _STATUSES)) if code), None)


def _levels(error: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if isinstance(error, Mapping) and depth <= _DEEPEST:
        yield error
        yield from _levels(_parsed(error.get("error")), depth + 1)


def _as_status(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isdigit() and 400 <= int(text) < 600 else None
