"""Text that was decoded in the wrong encoding: ``canâ€™t`` for ``can’t``.

UTF-8 decoded in another encoding turns every typographic mark into two or three characters that do not occur together
in real text. The table has punctuation marks in common encodings, and Western letters in the most common one.
"""

import re
from collections.abc import Iterator
from functools import cache

_PUNCTUATION = "‘’‚‛“”„′″‐‑‒–—…\u00a0\u200b\u2009\u202f\u2060"
_LETTERS = "".join(map(chr, range(0xA0, 0x100)))
_ENCODINGS = ("cp1252", "latin-1", "cp1250", "cp1251", "mac-roman", "cp437", "cp850")
# Control characters of Latin-1 that represent punctuation in Windows encodings.
_CONTROLS = {chr(code): bytes([code]).decode("cp1252") for code in (0x85, *range(0x91, 0x98))}


def pattern() -> re.Pattern[str]:
    """Pattern that matches text in the wrong encoding."""
    return _compiled()


def repaired(wrong: str) -> str:
    """The intended text for a match of ``pattern``."""
    return _table()[wrong]


@cache
def _compiled() -> re.Pattern[str]:
    # longest first; a lone Â remains if the no-break space after it became a plain space
    alternatives = sorted(_table(), key=lambda wrong: (-len(wrong), wrong))
    return re.compile("|".join(map(re.escape, alternatives)))


@cache
def _table() -> dict[str, str]:
    found = dict(_CONTROLS)
    for meant, encodings in ((_PUNCTUATION, _ENCODINGS), (_LETTERS, _ENCODINGS[:2])):
        for character in meant:
            for encoding in encodings:
                for wrong in _misread(character, encoding):
                    found.setdefault(wrong, character)
    return found


def _misread(text: str, encoding: str) -> Iterator[str]:
    """A text after decoding its UTF-8 in another encoding, once and twice."""
    for _ in range(2):
        text = "".join(_character(byte, encoding) for byte in text.encode())
        yield text


def _character(byte: int, encoding: str) -> str:
    try:
        return bytes([byte]).decode(encoding)
    except UnicodeDecodeError:
        return chr(byte)  # as browsers do
