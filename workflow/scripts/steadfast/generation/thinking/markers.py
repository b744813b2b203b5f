"""Detection of thinking and answer markers in a text, in any spelling."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from steadfast.generation.thinking.formats import ANSWERS, AnswerMarkers, ThinkingFormat
from steadfast.generation.thinking.mentions import code_in, in_sentence, is_quoted

# Spellings of the characters of a marker: plain, escaped for Markdown, escaped for HTML.
_SPELLINGS = {
    "<": r"(?:\\?[<＜]|&(?:lt|#0*60|#x0*3c);)",
    ">": r"(?:\\?[>＞]|&(?:gt|#0*62|#x0*3e);)",
    "[": r"\\?\[",
    "]": r"\\?\]",
    "|": r"\\?\|",
    "_": r"\\?_",
    "/": r"\\?/",
    "'": r"(?:['’]|&(?:#0*39|#x0*27|apos|rsquo);)",
    " ": r"\s+",
    ":": r"[*_]*:[*_]*",
}
_TAG = re.compile(r"<(/?)([\w:|]+)>")
# Possible first characters of a marker.
_FIRSTS = {
    "<": "<＜\\&",
    "[": "[\\",
    "_": "_\\",
    "|": "|\\",
    "/": "/\\",
    ">": ">\\&",
    "'": "'’&",
    " ": " \t\n\r",
    ":": ":*_",
}
# Markup around plain words: emphasis, a heading, a quotation.
_BEFORE_WORDS = re.compile(r"(?:^[ \t]*[#>]+[ \t]*|[*_])[*_]*\Z", re.MULTILINE)
_AFTER_WORDS = re.compile(r"[*_]+")
_LONGEST_EMPHASIS = 12


@dataclass(frozen=True)
class Marker:
    """One marker in a text.

    Attributes:
        start: where it begins.
        end: where it ends.
        opens: the formats whose thinking it opens.
        closes: those whose thinking it closes.
        escaped: whether it is escaped for HTML or Markdown, like mentions; it then opens a block only at the beginning.
    """

    start: int
    end: int
    opens: tuple[ThinkingFormat, ...]
    closes: tuple[ThinkingFormat, ...]
    escaped: bool = False

    @property
    def if_answered(self) -> bool:
        """Whether answers use it too."""
        return bool(self.opens) and all(entry.if_answered for entry in self.opens)

    @property
    def only_closes_tags(self) -> bool:
        """Whether it can only close blocks opened by tags that answers use too."""
        return not self.opens and all(entry.if_answered for entry in self.closes)


@dataclass(frozen=True)
class MarkerMatch:
    """An occurrence of a marker in a text.

    Attributes:
        mark: the marker as spelled in the registry.
        start: start offset, including markup around plain words.
        end: where it ends.
        escaped: whether it is escaped for HTML or Markdown.
    """

    mark: str
    start: int
    end: int
    escaped: bool


def markers_in(text: str, formats: Sequence[ThinkingFormat], opened: Sequence[ThinkingFormat] = ()) -> list[Marker]:
    """The thinking markers that a text uses, in order, without quoted ones and those in code.

    Args:
        text: a response.
        formats: the formats to look for.
        opened: formats of blocks that the prompt has opened.
    """
    markers: list[Marker] = []
    for found in find_marks(text, [mark for entry in formats for mark in (*entry.opening, *entry.closing)]):
        first = _at_start(text, found.start, markers)
        opens = tuple(
            entry
            for entry in formats
            if is_among(found.mark, entry.opening)
            and (first or not (found.escaped or entry.only_at_start or entry.if_answered))
        )
        closes = tuple(entry for entry in formats if is_among(found.mark, entry.closing))
        if (opens or closes) and not is_quoted(text, found.start, found.end):
            markers.append(Marker(found.start, found.end, opens, closes, found.escaped))
    return _only_opened(_outside_code(text, markers), opened)


def answers_in(text: str) -> list[tuple[MarkerMatch, AnswerMarkers]]:
    """Positions of markers that open an answer, except for mentioned ones."""
    return [
        (found, next(entry for entry in ANSWERS if entry.opening == found.mark))
        for found in find_marks(text, [entry.opening for entry in ANSWERS if entry.opening])
        if not is_quoted(text, found.start, found.end) and not in_sentence(text, found.start, found.end)
    ]


def find_marks(text: str, marks: Iterable[str]) -> Iterator[MarkerMatch]:
    """Occurrences of the given markers in a text, in any spelling."""
    names = tuple(sorted(set(marks), key=lambda mark: (-len(mark), mark)))
    for match in _compiled(names).finditer(text) if names else ():
        mark = names[(match.lastindex or 1) - 1]
        widen = _with_emphasis if mark[0].isalpha() else _with_both_marks
        start, end = widen(text, *match.span())
        yield MarkerMatch(mark, start, end, match.group()[0] in "\\&")


def spelling(mark: str) -> str:
    """A regular expression, without groups, that matches a marker in any spelling."""
    tag = _TAG.fullmatch(mark)
    letters = "".join(_SPELLINGS.get(letter, re.escape(letter)) for letter in (tag[2] if tag else mark))
    if not tag:
        return letters
    slash = rf"{_SPELLINGS['/']}\s*" if tag[1] else ""
    return rf"{_SPELLINGS['<']}\s*{slash}{letters}\s*{_SPELLINGS['>']}"


def first_characters(marks: Iterable[str]) -> str:
    """A lookahead for the first characters of markers, to skip dozens of alternatives quickly."""
    firsts = {first for mark in marks for first in _FIRSTS.get(mark[0], mark[0].lower() + mark[0].upper())}
    return f"(?=[{re.escape(''.join(sorted(firsts)))}])"


@lru_cache(maxsize=64)
def _compiled(marks: tuple[str, ...]) -> re.Pattern[str]:
    alternatives = "|".join(f"({spelling(mark)})" for mark in marks)
    return re.compile(f"{first_characters(marks)}(?:{alternatives})", re.IGNORECASE)


def _with_emphasis(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of words, extended by markup of emphasis, headings or quotations around them."""
    before = _BEFORE_WORDS.search(text, max(0, start - _LONGEST_EMPHASIS), start)
    after = _AFTER_WORDS.match(text, end)
    return before.start() if before else start, after.end() if after else end


def _with_both_marks(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of a tag, extended by equal emphasis marks on both sides."""
    marks = next((marks for marks in ("***", "**", "__") if text.startswith(marks, end)), "")
    return (start - len(marks), end + len(marks)) if marks and text.endswith(marks, 0, start) else (start, end)


def is_among(mark: str, marks: Iterable[str]) -> bool:
    """Whether a marker is among others, ignoring case."""
    return mark.casefold() in map(str.casefold, marks)


def _at_start(text: str, start: int, before: Sequence[Marker]) -> bool:
    """Whether a position is preceded only by thinking."""
    begin = before[-1].end if before and before[-1].closes else 0
    return not text[begin:start].strip()


def _only_opened(markers: Sequence[Marker], before: Sequence[ThinkingFormat]) -> list[Marker]:
    """Without closing markers that require an opening one: words, escaped ones and some tags."""
    opened = {entry for marker in markers for entry in marker.opens}
    return [
        marker
        for marker in markers
        if marker.opens
        or any(
            entry in opened or (not marker.escaped and (entry.closes_alone or entry in before))
            for entry in marker.closes
        )
    ]


def _outside_code(text: str, markers: Sequence[Marker]) -> list[Marker]:
    """Without markers in code. Thinking may end within an unclosed code block."""
    kept = list(markers)
    for code in code_in(text) if markers else ():
        inside = [marker for marker in kept if code.start <= marker.start and marker.end <= code.end]
        if code.certain or _is_balanced(inside):
            kept = [marker for marker in kept if marker not in inside]
    return kept


def _is_balanced(markers: Sequence[Marker]) -> bool:
    """Whether no closing marker precedes its opening one."""
    depth = 0
    for marker in markers:
        depth += 1 if marker.opens else -1
        if depth < 0:
            return False
    return True
