"""Harmony, the format of GPT-oss: a response is a sequence of messages, and only the channel ``final`` is the answer.

See https://cookbook.openai.com/articles/openai-harmony. A server that drops special tokens leaves the names of channels
and roles between the texts (``analysisWe must...assistantfinalSure``), which is parsed too.
"""

import re
from itertools import zip_longest

from steadfast.generation.thinking.mentions import code_in, in_sentence, is_quoted

_HEADER = re.compile(
    r"(?:<\|start\|>[^<]*)?(?:<\|channel\|>(?P<channel>[^<]*))?(?:<\|constrain\|>[^<]*)?<\|message\|>", re.IGNORECASE
)
# A response that was cut off within its first header.
_ONLY_A_HEADER = re.compile(r"\A\s*(?:<\|start\|>[^<]*)?<\|channel\|>[^<\n]{0,40}\Z", re.IGNORECASE)
# The rest of a header that the prompt began.
_REST_OF_HEADER = re.compile(r"\A\s*(?:analysis|commentary|final)[^<\n]{0,40}(?:<\|constrain\|>[^<]*)?<\|message\|>")
_MESSAGE_END = re.compile(r"(?:<\|(?:end|return|call)\|>\s*)+\Z", re.IGNORECASE)
_CUT_HEADER = re.compile(r"(?:<\|start\|>[^<]*)?(?:<\|channel\|>[^<]*)?(?:<\|constrain\|>[^<]*)?\Z", re.IGNORECASE)
# Without special tokens: the names of role and channel, joined with the text or on separate lines.
_NAMES = re.compile(r"\A\s*(?:assistant\s*)?(?P<channel>analysis|commentary)(?: to=[\w.]+)?")
_FINAL_NAMES = re.compile(r"assistant(?:\s*\n\s*)?final")
# Text before a header that is only mentioned in a sentence; real headers follow the end of a message.
_NAMED = re.compile(r"(?:[\w,:][ \t]|[`\"'“‘])\Z")
# A text joined with a name.
_RUN_INTO = {
    "analysis": re.compile(r"[^\W_]|[\"“`*]|'(?!s?\b|\s)"),
    "commentary": re.compile(r"[^\W_a-z]|[\"“`*]"),
}
FINAL = "final"


def is_harmony(text: str) -> bool:
    """Whether a text contains Harmony messages, with or without special tokens."""
    return bool(_headers(text) or _ONLY_A_HEADER.match(text) or _without_tokens(text))


def split_messages(text: str, *, already_open: bool) -> tuple[str, list[str], bool]:
    """The text of the final channel, of all other channels, and whether the answer has begun.

    Args:
        text: new tokens as text, special tokens included.
        already_open: whether the prompt ends within a message that is not the answer.
    """
    plain = _without_tokens(text)
    if plain:
        thinking, answer = plain
        return _body(answer or ""), [thinking], answer is not None
    if _REST_OF_HEADER.match(text):
        text = f"<|channel|>{text.lstrip()}"
    headers = _headers(text)
    first = headers[0].start() if headers else len(text)
    answers: list[str] = []
    thoughts: list[str] = []
    begun = False
    lead = _body(text[:first])
    if lead:
        (thoughts if already_open else answers).append(lead)
        begun = not already_open
    for header, following in zip_longest(headers, headers[1:]):
        body = _body(text[header.end() : following.start() if following else len(text)])
        channel = (header["channel"] or FINAL).split()
        is_answer = bool(channel) and channel[0].casefold() == FINAL
        (answers if is_answer else thoughts).append(body)
        begun = begun or is_answer
    return "\n\n".join(answers), thoughts, begun


def _without_tokens(text: str) -> tuple[str, str | None] | None:
    """Thinking and answer (None if it was cut off before) of a text that names channels; None if it does not."""
    final = _FINAL_NAMES.match(text.lstrip())
    if final:
        return "", text.lstrip()[final.end() :]
    names = _NAMES.match(text)
    if not names:
        return None
    rest = text[names.end() :]
    final = _FINAL_NAMES.search(rest)
    if final:
        return rest[: final.start()], rest[final.end() :]
    return (rest, None) if _RUN_INTO[names["channel"]].match(rest) else None


def _headers(text: str) -> list[re.Match[str]]:
    """The headers of messages, except for mentioned ones."""
    found = list(_HEADER.finditer(text))
    code = [place for place in code_in(text) if place.certain] if found else []
    return [
        match
        for match in found
        if not is_quoted(text, *match.span())
        and not in_sentence(text, *match.span())
        and (
            match.group().casefold().startswith("<|start|>")
            or not _NAMED.search(text[max(0, match.start() - 2) : match.start()])
        )
        and not any(place.start <= match.start() and match.end() <= place.end for place in code)
    ]


def _body(text: str) -> str:
    """A message's text without its end marker and without a cut-off header."""
    return _MESSAGE_END.sub("", _CUT_HEADER.sub("", text, count=1)).strip()
