"""Normalization of responses for phrase search: typography and markup are removed.

A model writes ``I *cannot* help``, ``I can’t``, ``I can&#39;t``, ``I cannot`` with a no-break space or a line break,
and means the same words. Normalized text has letters, digits, punctuation and single spaces; every character keeps its
position in the original, so that a match can be quoted verbatim.
"""

import html
import unicodedata
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

import regex  # type: ignore[import-untyped]

from steadfast.judges import mojibake

APOSTROPHES = str.maketrans(dict.fromkeys("‘’‛ʼʹ´′＇ʻꞌ", "'"))
_RARE_APOSTROPHES = str.maketrans(dict.fromkeys("‵ˊˋʽˈ՚׳ߴߵ᾽᾿`´｀❛❜Ꞌ", "'"))
_QUOTES = str.maketrans(dict.fromkeys("“”„‟″＂", '"'))
_HYPHENS = str.maketrans(dict.fromkeys("‐‑", "-"))
# Invisible characters that Python does not treat as white space: fillers and blank patterns.
_BLANKS = "\u180e\u2800\u3164\u115f\u1160\uffa0"
# Placeholder for removed text until it is known whether it separated words; it does not occur in texts.
_GAP = "\ue000"

_ENTITY = regex.compile(
    r"&(?:amp;)*(?:#\d{2,7};?|#x[\da-f]{2,6};?|[a-z][a-z\d]{1,31};|(?:nbsp|[lr]squo|apos|quot)\b)", regex.IGNORECASE
)
_PERCENT = regex.compile(r"%(?:20|27|E2%80%9[89])", regex.IGNORECASE)
# Backslashes, also of repeatedly escaped text.
_RUN = r"(?<!\\)\\++"
_CODE_POINT = regex.compile(_RUN + r"(?:u\{?(?P<code>[\da-f]{4})\}?|x(?P<code>[\da-f]{2}))", regex.IGNORECASE)
_MACRO = regex.compile(_RUN + r"(?:text\w*|emph|underline|mbox|math(?:rm|bf|it|sf|tt))\s?\{")
_MACRO_END = regex.compile(rf"(?<={_GAP}[^{{}}\n]{{0,300}})\}}")
_MATH = regex.compile(rf"\$+(?={_GAP})|(?<={_GAP})\$+")
_LINE_ESCAPE = regex.compile(_RUN + r"[nrt]")
_ESCAPE = regex.compile(_RUN + r"(?=\W|$)")
_COMMENT = regex.compile(r"<!--.{0,500}?-->", regex.DOTALL)
_BLOCK_TAG = regex.compile(
    r"</?(?:p|div|br|hr|li|[uo]l|d[ltd]|t[rdh]|table|tbody|thead|h[1-6]|blockquote|pre|section|article|header|footer"
    r"|main|body|html|head|title|details|summary|figure|figcaption|center)(?:\s[^<>]{0,200})?/?>",
    regex.IGNORECASE,
)
_INLINE_TAG = regex.compile(
    r"</?(?:a|abbr|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strike|strong|sub"
    r"|sup|time|tt|u|var|wbr)(?:\s[^<>]{0,200})?/?>",
    regex.IGNORECASE,
)
_NOTE = regex.compile(r"<sup>\W?\d{1,3}\W?</sup>|(?<=[\w.,])\[\^?\d{1,3}\]|【[^【】\n]{1,60}】", regex.IGNORECASE)
_FORUM_TAG = regex.compile(
    r"\[/?(?:b|i|u|s|em|strong|strike|color|size|font|center|quote|code|spoiler|url)(?:=[^\[\]\n]{0,200})?\]",
    regex.IGNORECASE,
)
_TERMINAL = regex.compile(r"\x1b\[[\d;]{0,20}[A-Za-z]")
_BROKEN_WORD = regex.compile(r"(?<=[^\W\d_])-[ \t]*\r?\n[ \t]*(?=[^\W\d_])")
_LINK_END = regex.compile(r"\](?:\([^()\s]{0,300}(?: \"[^\"\n]{0,200}\")?\)|\[[^\[\]\n]{0,40}\])")
_LINK_START = regex.compile(rf"!?\[(?=[^\[\]\n{_GAP}]{{1,300}}{_GAP})")
_PIECE = regex.compile(
    rf"(?P<space>[^\S ]|[{_BLANKS}]|^[ \t]*>+)"
    rf"|(?P<mark>[{_GAP}*]+|~+|==+|\+\++|\^\^+|\|\|+|(?<![^\W_])_+|_+(?![^\W_])|(?<!\w)`+|`+(?!\w))"
    r"|(?P<text>[^ -~]\p{M}*|[ -~]\p{M}+|`)",
    regex.MULTILINE,
)
_BETWEEN_WORDS = regex.compile(rf"(?<=[^\W_]){_GAP}+(?=[^\W_])")
_RUN_OF_PIECES = regex.compile(rf"[^\W_]++(?:{_GAP}++[^\W_]++)+")
_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")
_GAPS = regex.compile(f"{_GAP}+")
_SPACES = regex.compile(r" {2,}")
_LEADING = regex.compile(r"\A +")
_WORD = regex.compile(r"(?<!\\)[^\W\d_]{2,}|(?<=\\b)[^\W\d_]{2,}")
# Maximum number of pieces of one word.
_LONGEST_WORD = 24
SOFT_HYPHEN = "\u00ad"
# Substitutes for the apostrophe in common contractions, and spaces around it.
_NO_APOSTROPHE = regex.compile(
    r"(?<=\b(?:I|you|we|they|he|she|it|that|there|let|what|who))(?:''|[-?\uFFFD]{1,3})(?=(?:m|s|re|ve|ll|d)\b)"
    r"|(?<=\b(?:ca|wo|do|does|did|is|are|was|were|could|would|should|has|had|have|must|need|ai)n)"
    r"(?:''|[-?\uFFFD]{1,3})(?=t\b)",
    regex.IGNORECASE,
)
_SPACED_APOSTROPHE = regex.compile(
    r"(?<=\b(?:ca|wo|do|does|did|is|are|was|were|could|would|should|has|had|have|must|need|ai)n?) (?=n ?' ?t\b|' ?t\b)"
    r"|(?<=\b(?:I|you|we|they|he|she|it|that)) (?=' ?(?:m|s|re|ve|ll|d)\b)"
    r"|(?<=\b(?:I|you|we|they|he|she|it|that) ?') (?=(?:m|s|re|ve|ll|d)\b)|(?<=n ?') (?=t\b)",
    regex.IGNORECASE,
)


@dataclass(frozen=True)
class Wording:
    """A normalized text.

    Attributes:
        text: the text.
        places: start and end in the original of every character of ``text``.
        original: the text as it was written.
    """

    text: str
    places: tuple[tuple[int, int], ...]
    original: str

    def quote(self, start: int, end: int) -> str:
        """The original text of ``text[start:end]``."""
        if end <= start:
            return ""
        return self.original[self.places[start][0] : self.places[end - 1][1]]

    def replaced(self, pattern: "regex.Pattern[str]", replacement: "Callable[[regex.Match[str]], str]") -> "Wording":
        """The text with all matches of a pattern replaced."""
        text, places, position = [], [], 0
        for match in pattern.finditer(self.text):
            start, end = match.span()
            put = replacement(match)
            text += [self.text[position:start], put]
            places += [*self.places[position:start], *[(self.places[start][0], self.places[end - 1][1])] * len(put)]
            position = end
        if not position:
            return self
        return Wording("".join([*text, self.text[position:]]), (*places, *self.places[position:]), self.original)


def normalize(text: str) -> Wording:
    """Normalize a text for a search.

    White space of all kinds and line breaks become one space. Zero-width and other invisible characters go, as do the
    marks of emphasis (``*``, ``_`` around words, ``~~``, ``==``, backticks), tags of HTML, of forums and of terminals,
    comments, links, notes (``[1]``) and backslashes before punctuation. HTML's entities, quotation marks, apostrophes,
    hyphens, compatibility letters (full-width, mathematical, ligatures) and typography in the wrong encoding become the
    plain characters.
    """
    return _closed(_plain(text))


def wordings_of(text: str, words: Container[str] = ()) -> tuple[Wording, ...]:
    """The normalized text, and variants if removed text may have separated words: ``cannot<b>help</b>``.

    Args:
        text: a response.
        words: known words in lower case, for a third variant that decides where words were separated.
    """
    plain = _plain(text)
    apart = plain.replaced(_BETWEEN_WORDS, lambda match: " ")
    if apart is plain:
        return (_closed(plain),)
    found = [_closed(wording) for wording in (plain, apart, plain.replaced(_RUN_OF_PIECES, partial(_segmented, words)))]
    return tuple({wording.text: wording for wording in found}.values())


def words_in(sources: Iterable[str]) -> frozenset[str]:
    """The words in expressions, in lower case."""
    return frozenset({"a", "i", *(word.casefold() for source in sources for word in _WORD.findall(source))})


def as_written(text: str) -> Wording:
    """The original text with straight apostrophes."""
    return Wording(text.translate(APOSTROPHES), _own_places(text), text)


def plain_quotes(text: str) -> str:
    """A text, or the source of a regular expression, with plain quotation marks and apostrophes."""
    return text.translate(APOSTROPHES).translate(_QUOTES)


def _own_places(text: str) -> tuple[tuple[int, int], ...]:
    return tuple((place, place + 1) for place in range(len(text)))


def _plain(text: str) -> Wording:
    """A text in plain characters, with placeholders for removed text."""
    wording = Wording(text, _own_places(text), text)
    for needed, steps in _STEPS:
        if needed(wording.text):
            for pattern, replacement in steps:
                wording = wording.replaced(pattern, replacement)
    return wording.replaced(_PIECE, _piece)


def _closed(wording: Wording) -> Wording:
    """A plain text without placeholders, with single spaces and restored apostrophes."""
    for pattern, put in ((_GAPS, ""), (_SPACES, " "), (_LEADING, ""), (_SPACED_APOSTROPHE, ""), (_NO_APOSTROPHE, "'")):
        wording = wording.replaced(pattern, partial(_put, put))
    return wording


def _segmented(words: Container[str], match: "regex.Match[str]") -> str:
    """Pieces joined into known words, minimizing unknown letters, then the number of words."""
    pieces = _GAPS.split(match.group())
    best: list[tuple[int, int, str]] = [(0, 0, "")]
    for end in range(1, len(pieces) + 1):
        options = []
        for begin in range(max(0, end - _LONGEST_WORD), end):
            unknown, count, before = best[begin]
            word = "".join(pieces[begin:end])
            cost = unknown + (0 if word.casefold() in words else len(word))
            options.append((cost, count + 1, f"{before} {word}"))
        best.append(min(options))
    return best[-1][2].lstrip()


def _put(text: str, match: "regex.Match[str]") -> str:
    return text


def _entity(match: "regex.Match[str]") -> str:
    text: str = match.group()
    while (plain := html.unescape(text)) != text:
        text = plain
    return text


def _code_point(match: "regex.Match[str]") -> str:
    code = int(match["code"], 16)
    return "" if 0xD800 <= code < 0xE000 else chr(code)


_GAP_FOR, _SPACE_FOR = partial(_put, _GAP), partial(_put, " ")
# Steps of decoding and removal, each with a marker that must occur in the text.
_STEPS: tuple[tuple[Callable[[str], bool], tuple[tuple[Any, Callable[[Any], str]], ...]], ...] = (
    (lambda text: not text.isascii(), ((mojibake.pattern(), lambda match: mojibake.repaired(match.group())),)),
    (lambda text: "&" in text, ((_ENTITY, _entity),)),
    (lambda text: "%" in text, ((_PERCENT, lambda match: unquote(match.group())),)),
    (
        lambda text: "\\" in text,
        (
            (_CODE_POINT, _code_point),
            (_MACRO, _GAP_FOR),
            (_MACRO_END, _GAP_FOR),
            (_MATH, _GAP_FOR),
            (_LINE_ESCAPE, _SPACE_FOR),
            (_ESCAPE, partial(_put, "")),
        ),
    ),
    (lambda text: "\x1b[" in text, ((_TERMINAL, _GAP_FOR),)),
    (lambda text: "-" in text, ((_BROKEN_WORD, _GAP_FOR),)),
    (lambda text: "]" in text or "【" in text or "<sup>" in text, ((_NOTE, _GAP_FOR), (_FORUM_TAG, _GAP_FOR))),
    (lambda text: "<" in text, ((_COMMENT, _GAP_FOR), (_BLOCK_TAG, _SPACE_FOR), (_INLINE_TAG, _GAP_FOR))),
    (lambda text: "](" in text or "][" in text, ((_LINK_END, _GAP_FOR), (_LINK_START, _GAP_FOR))),
)


def _piece(match: "regex.Match[str]") -> str:
    if match["space"] is not None:
        return " "
    return _GAP if match["mark"] is not None else "".join(map(_kept, _letters(match["text"])))


def _letters(written: str) -> str:
    """A character with its combining marks, in plain characters."""
    if written == "`":
        return "'"  # between letters
    plain = plain_quotes(written.translate(_RARE_APOSTROPHES)).translate(_HYPHENS)
    return plain if plain.isascii() and plain.isprintable() else unicodedata.normalize("NFKC", plain)


def _kept(letter: str) -> str:
    """A character, a placeholder for an invisible one, or nothing for one that only modifies another."""
    category = unicodedata.category(letter)
    if letter == SOFT_HYPHEN or category == "Me" or "\u0334" <= letter <= "\u0338" or "\ufe00" <= letter <= "\ufe0f":
        return ""
    if category in ("Cf", "Cc") or _IGNORABLE.match(letter):
        return _GAP
    return " " if letter.isspace() else letter
