"""Parsing of HTTP responses into answers and faults.

Every field is checked, since providers differ: errors may have status 200, be in the first choice or replace all
choices, content may be a list of parts, and a moderated answer may be empty.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from steadfast.judges.chat_api.errors import COMPLETION, error_in, error_reply_in, says_nothing, withheld_in
from steadfast.judges.chat_api.fault_rules import ErrorReply
from steadfast.judges.chat_api.fault_table import (
    EMPTY,
    FAILED_GENERATION,
    MODERATED,
    UNFINISHED,
    UNKNOWN,
    UPSTREAM,
    WRONG_ADDRESS,
    advised,
    fault_of,
)
from steadfast.judges.chat_api.faults import Fault, clean, requested_wait
from steadfast.judges.chat_api.probabilities import Token
from steadfast.judges.chat_api.reading import Answer

Ending = Literal["stop", "length", "moderated", "tool", "passing", "unknown"]

# Number of tokens whose log-probabilities are kept: enough for a label after the beginning of a JSON object, and for
# the few lines of a guard's answer.
KEPT_TOKENS = 64
RAISE_LIMIT = "raise `max_tokens`: models that think before they answer need thousands"

# Statuses in an error that concern the endpoint and not one answer.
RATE_LIMITS = frozenset({408, 429})
_RATE_LIMIT = re.compile(
    r"rate.?limit|too many requests|quota|(?:request|usage|daily) limit|\btpm\b|\brpm\b", re.IGNORECASE
)
# Providers' finish reasons, reduced to lowercase letters and digits; the first match is used.
_ENDINGS: tuple[tuple[str, Ending], ...] = (
    (
        "contentfilter|contentpolicy|safety|sensitive|prohibited|block|spii|recitation|guardrail|moderat|refus|toxic"
        "|censor|risk|flagged|jailbreak|inspection|injection|armor|blacklist|forbidden|violat|^other$|^language$",
        "moderated",
    ),
    ("tool|function", "tool"),
    (
        "^length$|max(?:output|completion|new)?tokens|modellength|maxlength|contextwindow|errorlimit|tokenlimit",
        "length",
    ),
    (
        "^(?:finishreason)?(?:stop|eos|eostoken|endturn|endofturn|stopsequence|stoptoken|end|endoftext|imend|eotid?"
        "|completed?|finished|done|normal|success|ok|null|none)?$",
        "stop",
    ),
    ("error|insufficient|network|abort|cancel|timeout|overload|interrupt|unavailable|fail", "passing"),
)
_REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_details", "thinking_blocks")
# Types of parts: thinking, redacted_thinking, reasoning, reasoning_text, summary_text, thought.
_THOUGHT = re.compile(r"think|reason|thought|^summary_text$", re.IGNORECASE)
# Fields with the answers of other APIs: Ollama's and Cohere's native ones, Anthropic, DashScope, Cloudflare, TGI.
_OTHER_ANSWERS = (
    *("message", "content", "output", "outputs", "result", "response", "completion", "text"),
    *("generated_text", "generations", "predictions"),
)
_STREAM = re.compile(r"\s*(?:data|event|id|retry)?: ?")
_TITLE = re.compile(r"<title>(.*?)</title>|<h1>(.*?)</h1>", re.IGNORECASE | re.DOTALL)


def read_error(status: int, text: str, headers: Mapping[str, str], secret: str | None) -> Fault:
    """The fault in a response with an HTTP error status.

    Args:
        status: the HTTP status.
        text: the body.
        headers: the headers.
        secret: what may not be repeated.
    """
    body = _json(text)
    if text.lstrip().startswith("<"):  # an HTML page: most of its text is not about the error
        title = _TITLE.search(text)
        reply = ErrorReply(
            status, (), clean(" ".join(filter(None, title.groups())) if title else "an HTML page", secret)
        )
    else:
        reply = error_reply_in(text if body is None else body, secret, status)
        reply = reply if reply.words or reply.codes else replace(reply, words=clean(text, secret))
    return fault_of(reply, requested_wait(headers, f"{reply.words} {_retry_delay(text)}"))


def read_completion(text: str, secret: str | None) -> Answer | Fault:
    """The answer in a response with a successful HTTP status, or the fault that it contains nevertheless."""
    body = _json(text)
    error = error_in(body)
    if error is not None:
        return _generation_failed(error_reply_in(error, secret))
    other = _of_another_api(text, body)
    if other:
        return Fault("fatal", advised(WRONG_ADDRESS, clean(other, secret)), WRONG_ADDRESS, sure=False)
    try:
        if not isinstance(body, Mapping) or not _is_completion(body):
            raise ValueError(f"no chat completion: {text[:100]!r}")
        return _read_choice(body, secret)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as problem:
        return Fault("passing", clean(f"malformed answer: {problem}", secret))


def ending_of(finish_reason: Any) -> Ending:
    """Meaning of a finish reason; a missing one means a complete answer."""
    name = re.sub(r"[^a-z0-9]", "", str(finish_reason or "").casefold())
    return next((ending for pattern, ending in _ENDINGS if re.search(pattern, name)), "unknown")


def is_answer(record: Mapping[str, Any]) -> bool:
    """Whether a cache record is an answer; older versions also stored faults."""
    if "finish_reason" not in record:
        return True  # result of a probe
    ending = ending_of(record["finish_reason"])
    has_text = any(str(record.get(key) or "").strip() for key in ("text", "refusal"))
    return ending == "length" or (ending == "stop" and has_text)


def answer_from(record: Mapping[str, Any]) -> Answer:
    """A cache record as an answer, with finish reason ``stop`` or ``length``.

    Raises:
        DataError: it is not a record of an answer.
    """
    answer = Answer.from_record(record)
    return replace(answer, finish_reason=ending_of(answer.finish_reason))


def _generation_failed(reply: ErrorReply) -> Fault:
    """The fault in an error with a successful HTTP status: the endpoint works, unless the error says otherwise."""
    fault = fault_of(reply, requested_wait({}, reply.words))
    of_the_endpoint = reply.status in RATE_LIMITS or _RATE_LIMIT.search(reply.reason)
    return replace(fault, generation=fault.kind == "passing" and not of_the_endpoint)


def _of_another_api(text: str, body: Any) -> str:
    """Why an answer looks like one of another API; empty if it does not."""
    if body is None:
        return "it streams its answers, which are asked for whole" if _STREAM.match(text) else ""
    head = body[0] if isinstance(body, list) and body else body
    if not isinstance(head, Mapping) or _is_completion(head):
        return ""
    found = next((key for key in _OTHER_ANSWERS if head.get(key)), None)
    return f"its answer is in the field {found!r}, as another API sends it" if found else ""


def _is_completion(body: Mapping[str, Any]) -> bool:
    return any(key in body for key in COMPLETION) or str(body.get("object")).startswith("chat.completion")


def _read_choice(body: Mapping[str, Any], secret: str | None) -> Answer | Fault:
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, Mapping):
        return _without_answer(body, "no choice in it", secret)
    if not says_nothing(choice.get("error")):
        return _generation_failed(
            error_reply_in({key: value for key, value in choice.items() if key != "message"}, secret)
        )
    if str(body.get("amazon-bedrock-guardrailAction")).upper() == "INTERVENED":
        return _moderated(body, "guardrail intervened", secret)
    if withheld := withheld_in(body):
        return _moderated({**body, **choice}, f"filtered: {', '.join(withheld)}", secret)
    finish = choice.get("finish_reason")
    native = choice.get("native_finish_reason") or choice.get("stop_reason")
    ending = ending_of(finish)
    reason = f"finish_reason {str(finish)!r}"
    if "moderated" in (ending, ending_of(native)):
        given = reason if ending == "moderated" else f"{reason}, {str(native)!r} in the provider's words"
        return _moderated({**body, **choice}, given, secret)
    if ending == "passing":
        return Fault("passing", clean(f"the answer was not finished: {reason}", secret), UPSTREAM, generation=True)
    if ending == "tool":
        return Fault("case", clean(f"{FAILED_GENERATION}: {reason}", secret), FAILED_GENERATION, sure=False)
    if ending == "unknown":
        return Fault("case", clean(f"{reason} is not known", secret), UNKNOWN, sure=False)
    return _read_message(body, choice, ending, secret)


def _read_message(
    body: Mapping[str, Any], choice: Mapping[str, Any], ending: Ending, secret: str | None
) -> Answer | Fault:
    message = choice.get("message")
    message = message if isinstance(message, Mapping) else {}
    usage = body.get("usage") if isinstance(body.get("usage"), Mapping) else {}
    text, refusal = _parts(message.get("content"))
    thinks = _contains_thinking(message.get("content"))
    answer = Answer(
        text=text,
        finish_reason=ending,
        refusal=_text(message.get("refusal")) or refusal,
        model=_text(body.get("model")),
        fingerprint=_text(body.get("system_fingerprint")),
        input_tokens=_count(usage, "prompt_tokens"),
        output_tokens=_count(usage, "completion_tokens"),
        logprobs=() if thinks else _tokens(choice.get("logprobs")),  # else they would begin with the thinking
    )
    if ending == "length" or text.strip() or answer.refusal.strip():
        return answer
    if thinks or any(message.get(key) for key in _REASONING):
        reason = f"{UNFINISHED}: the model thought and said nothing ({RAISE_LIMIT})"
        return Fault("case", reason, UNFINISHED, sure=False)
    return _without_answer({**body, **choice}, "the message is empty" if message else "no message in it", secret)


def _without_answer(body: Mapping[str, Any], what: str, secret: str | None) -> Fault:
    """The fault of a completion without an answer: moderated if it says so, otherwise presumably moderated."""
    feedback = body.get("promptFeedback") or body.get("prompt_feedback")
    if feedback or withheld_in(body):
        return _moderated(body, what, secret)
    return Fault("case", f"{EMPTY}: {what} (some moderate without a word)", EMPTY, sure=False)


def _moderated(body: Mapping[str, Any], what: str, secret: str | None) -> Fault:
    """The fault of a moderated answer, with everything that the provider reports."""
    message = body.get("message")
    kept = {key: value for key, value in body.items() if key not in ("choices", "message", "usage", "object", "type")}
    reply = error_reply_in(kept, secret)
    codes = [code for code in reply.codes if code not in what and ending_of(code) != "stop"]
    refusal = _text(message.get("refusal")) if isinstance(message, Mapping) else ""
    further = reply.words.replace(what, "").strip("; ")
    words = "; ".join(filter(None, (what, ", ".join(codes), further, refusal)))
    return Fault("case", clean(f"{MODERATED}: {words}", secret), MODERATED)


def _parts(content: Any) -> tuple[str, str]:
    """Text and refusal in a message's content: a string, or a list of parts (thinking is ignored)."""
    if isinstance(content, Mapping):
        content = [content]
    if not isinstance(content, list):
        return _text(content), ""
    texts, refusals = [], []
    for part in content:
        if _is_thought(part):
            continue
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, Mapping) and part.get("type") == "refusal":
            refusals.append(_text(part.get("refusal")))
        elif isinstance(part, Mapping) and part.get("type", "text") in ("text", "output_text"):
            text = part.get("text")
            texts.append(_text(text.get("value") if isinstance(text, Mapping) else text))
    return "".join(texts), "".join(refusals)


def _contains_thinking(content: Any) -> bool:
    return any(map(_is_thought, content if isinstance(content, list) else [content]))


def _is_thought(part: Any) -> bool:
    """Whether a content part is thinking: by its type, or by Gemini's flag on text parts."""
    if not isinstance(part, Mapping):
        return False
    flag = part.get("thought", False)
    return flag is True or str(flag).casefold() == "true" or bool(_THOUGHT.search(str(part.get("type"))))


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _retry_delay(text: str) -> str:
    """Google's retry hint, in the wording of other providers."""
    found = re.search(r'"retryDelay"\s*:\s*"([\d.]+s)"', text)
    return f"retry in {found.group(1)}" if found else ""


def _text(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value or ""


def _count(usage: Any, key: str) -> int | None:
    value = usage.get(key) if isinstance(usage, Mapping) else None
    return value if isinstance(value, int) else None


def _tokens(logprobs: Any) -> tuple[Token, ...]:
    content = (logprobs or {}).get("content") or []
    return tuple(
        Token(
            _text(entry["token"]),
            tuple((_text(other["token"]), float(other["logprob"])) for other in entry.get("top_logprobs") or [entry]),
        )
        for entry in content[:KEPT_TOKENS]
    )
