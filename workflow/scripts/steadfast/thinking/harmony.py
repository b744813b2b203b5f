"""Harmony, the format of GPT-oss: a response is a sequence of messages, and only the channel ``final`` is the answer.

See https://cookbook.openai.com/articles/openai-harmony. A server that drops special tokens leaves the names of
channels and roles between the texts (``analysisWe must...assistantfinalSure``), which is read as well.
"""

import re

_HEADER = re.compile(
    r"(?:<\|start\|>[^<]*)?(?:<\|channel\|>(?P<channel>[^<]*))?(?:<\|constrain\|>[^<]*)?<\|message\|>", re.IGNORECASE
)
_MESSAGE_END = re.compile(r"(?:<\|(?:end|return|call)\|>\s*)+\Z", re.IGNORECASE)
_CUT_HEADER = re.compile(r"(?:<\|start\|>[^<]*)?(?:<\|channel\|>[^<]*)?(?:<\|constrain\|>[^<]*)?\Z", re.IGNORECASE)
_WITHOUT_TOKENS = re.compile(
    r"\Aanalysis(?=[A-Z\"'`*0-9])(?P<thinking>.*?)(?:assistantfinal(?P<answer>.*))?\Z", re.DOTALL
)
FINAL = "final"


def is_harmony(text: str) -> bool:
    """Whether a text holds messages of Harmony, with its special tokens or without them."""
    return "<|message|>" in text.lower() or "<|channel|>" in text.lower() or bool(_WITHOUT_TOKENS.match(text))


def split_messages(text: str, *, already_open: bool) -> tuple[str, list[str], bool]:
    """The texts of the final channel, those of all others, and whether the answer had begun.

    Args:
        text: new tokens as text, special tokens included.
        already_open: whether the prompt ended within a message that is not the answer.
    """
    plain = _WITHOUT_TOKENS.match(text)
    if plain:
        return plain["answer"] or "", [plain["thinking"]], plain["answer"] is not None
    headers = list(_HEADER.finditer(text))
    first = headers[0].start() if headers else len(text)
    answers: list[str] = []
    thoughts: list[str] = []
    begun = False
    lead = _body(text[:first])
    if lead:
        (thoughts if already_open else answers).append(lead)
        begun = not already_open
    for header, following in zip(headers, [*headers[1:], None], strict=True):
        body = _body(text[header.end() : following.start() if following else len(text)])
        channel = (header["channel"] or FINAL).split()
        is_answer = bool(channel) and channel[0].casefold() == FINAL
        (answers if is_answer else thoughts).append(body)
        begun = begun or is_answer
    return "\n\n".join(answers), thoughts, begun


def _body(text: str) -> str:
    """A message's text without what ends it and without a header that was cut off."""
    return _MESSAGE_END.sub("", _CUT_HEADER.sub("", text, count=1)).strip()
