"""Responses as phrases are searched for in them: what typography and markup add to a wording is taken away.

A model writes ``I *cannot* help``, ``I can’t``, ``I cannot`` with a no-break space or a line break, and means the
same words. Normalising leaves letters, digits, punctuation and single spaces; every character knows its place in the
original, so that a match can be quoted as it was written.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

APOSTROPHES = str.maketrans(dict.fromkeys("‘’‛ʼʹ´′＇ʻꞌ", "'"))
_QUOTES = str.maketrans(dict.fromkeys("“”„‟″＂", '"'))
_HYPHENS = str.maketrans(dict.fromkeys("‐‑", "-"))
# No letters and no marks, yet not white space to Python: fillers and blank patterns.
_BLANKS = "\u180e\u2800\u3164\u115f\u1160\uffa0"
_PIECE = re.compile(
    rf"(?P<space>(?:[\s{_BLANKS}]|^[ \t]*>+|<br\s*/?>)+)"
    r"|(?P<mark></?(?:b|i|u|em|strong|mark)>|\*+|~~+|(?<![^\W_])_+|_+(?![^\W_])|(?<!\w)`+|`+(?!\w))"
    r"|(?P<text>.)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Wording:
    """A normalised text.

    Attributes:
        text: the text.
        places: for every character of ``text`` where it begins and ends in the original.
        original: the text as it was written.
    """

    text: str
    places: tuple[tuple[int, int], ...]
    original: str

    def quote(self, start: int, end: int) -> str:
        """What ``text[start:end]`` was in the original; ``end`` must be greater than ``start``."""
        return self.original[self.places[start][0] : self.places[end - 1][1]]


def normalise(text: str) -> Wording:
    """Normalise a text for a search.

    White space of all kinds and line breaks become one space. Zero-width and other invisible characters go, as do the
    marks of emphasis (``*``, ``_`` around words, ``~~``, backticks, HTML's). Quotation marks, apostrophes, hyphens and
    compatibility letters (full-width, mathematical, ligatures) become the plain ones.
    """
    letters: list[str] = []
    places: list[tuple[int, int]] = []
    for letter, start, end in _letters(text):
        if letter != " " or (letters and letters[-1] != " "):
            letters.append(letter)
            places.append((start, end))
    return Wording("".join(letters), tuple(places), text)


def plain_quotes(text: str) -> str:
    """A text, or the source of a regular expression, with plain quotation marks and apostrophes."""
    return text.translate(APOSTROPHES).translate(_QUOTES)


def _letters(text: str) -> Iterator[tuple[str, int, int]]:
    """Single characters of the normalised text, spaces not yet merged, with their places."""
    for piece in _PIECE.finditer(text):
        if piece["space"] is not None:
            yield " ", piece.start(), piece.end()
        elif piece["text"] is not None:
            for letter in _plain(piece["text"]):
                yield letter, piece.start(), piece.end()


def _plain(letter: str) -> str:
    if letter.isascii():
        # between letters a backtick is an apostrophe; control characters are no text
        return "'" if letter == "`" else letter if letter.isprintable() else ""
    plain = plain_quotes(letter).translate(_HYPHENS)
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain)
    return "".join(part for part in plain if unicodedata.category(part) not in ("Cf", "Cc") and not _selects(part))


def _selects(letter: str) -> bool:
    """Whether a character only chooses how the one before it is drawn."""
    return "\ufe00" <= letter <= "\ufe0f"
