"""Markers that a text only mentions: in quotation marks, in code, in the middle of a sentence.

A model that explains a format, or thinks about the required one, mentions its markers without using them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_QUOTE_BEFORE = re.compile(r"(?:\A|[\s(\[{:>])[`\"'“‘«]+\Z|<(?:code|kbd|samp|tt|pre|q)>\Z", re.IGNORECASE)
_QUOTE_AFTER = re.compile(r"\A(?:[`\"'”’»]+(?:[\s.,;:!?)\]}<]|\Z)|</(?:code|kbd|samp|tt|pre|q)>)", re.IGNORECASE)
# In the middle of a sentence: write <think> in your prompt.
_WORD_BEFORE = re.compile(r"[\w,:][ \t]\Z")
_WORD_AFTER = re.compile(r"\A(?:[ \t]+[a-z]|[.,;:!?)])")
# Words that cannot end a sentence, so that a marker after them is part of it: I have to write </think> before I answer.
_OPEN_SENTENCE = re.compile(
    r"\b(?:an?|the|my|your|and|or|with|within|without|us(?:e|es|ing)|writ(?:e|es|ing)|emit|insert|by|between|like"
    r"|called|named|tags?|tokens?|markers?|closing|opening)[ \t]+\Z",
    re.IGNORECASE,
)
_CONTEXT = 16
# A pair of markers around a placeholder, on one line: <think>...</think>
_PLACEHOLDER = re.compile(r"[^\n]{0,40}\Z")
_FENCE = re.compile(r"^[ \t>]*(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)$", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)(?P<ticks>`{1,2})(?!`)[^`\n]+(?P=ticks)(?!`)")
_ELEMENT = re.compile(r"<(?P<name>code|pre|kbd|samp|tt)\b[^<>\n]{0,80}>.*?</(?P=name)>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Code:
    """A stretch of code in a text.

    Attributes:
        start: where it begins.
        end: where it ends.
        certain: whether it is certainly code; a pair of fences may be the end of one block and the beginning of
            another.
    """

    start: int
    end: int
    certain: bool


def is_quoted(text: str, start: int, end: int) -> bool:
    """Whether there are quotation marks or code marks on both sides."""
    before, after = _around(text, start, end)
    return bool(_QUOTE_BEFORE.search(before) and _QUOTE_AFTER.match(after))


def in_sentence(text: str, start: int, end: int) -> bool:
    """Whether a sentence continues across it."""
    before, after = _around(text, start, end)
    return bool(_WORD_BEFORE.search(before) and _WORD_AFTER.match(after))


def is_a_word_in_text(text: str, start: int, end: int) -> bool:
    """Whether it is a word in a sentence, with words on both sides on the same line."""
    before, after = _around(text, start, end)
    return bool(_WORD_BEFORE.search(before) and re.match(r"[ \t]+[a-z]", after))


def belongs_to_a_sentence(text: str, start: int, end: int) -> bool:
    """Whether the word before it cannot end a sentence, so that the sentence continues after it."""
    before, after = _around(text, start, end)
    return bool(_OPEN_SENTENCE.search(before) and _WORD_AFTER.match(after))


def is_placeholder(text: str, start: int, end: int, behind: int) -> bool:
    """Whether ``text[start:end]`` between two markers is a placeholder in a sentence that goes on at ``behind``."""
    return bool(_PLACEHOLDER.match(text[start:end]) and _WORD_AFTER.match(text[behind : behind + _CONTEXT]))


def code_in(text: str) -> list[Code]:
    """Stretches of code: fenced blocks, code between backticks in a line, and HTML's elements for code."""
    inline = [Code(*found.span(), certain=False) for found in _INLINE.finditer(text)]
    elements = [Code(*found.span(), certain=True) for found in _ELEMENT.finditer(text)]
    return [*_fenced(text), *inline, *elements]


def _fenced(text: str) -> list[Code]:
    """Fenced blocks; the last may be unclosed. A fence with a language always begins a block."""
    fences = list(_FENCE.finditer(text))
    found: list[Code] = []
    opening: re.Match[str] | None = None
    for place, fence in enumerate(fences):
        if opening is None or fence["info"].strip() or fence["mark"][0] != opening["mark"][0]:
            opening = fence
        elif len(fence["mark"]) >= len(opening["mark"]):
            found.append(Code(opening.start(), fence.end(), _pairs_up(fences[place + 1 :])))
            opening = None
    return [*found, Code(opening.start(), len(text), certain=False)] if opening else found


def _pairs_up(later: Sequence[re.Match[str]]) -> bool:
    """Whether the later fences show that a block ended: the next one has a language, or their number is even."""
    return not later or bool(later[0]["info"].strip()) or len(later) % 2 == 0


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    return text[max(0, start - _CONTEXT) : start], text[end : end + _CONTEXT]
