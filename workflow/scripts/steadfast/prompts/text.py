"""Identity of prompts: words, normalized keys and identifiers."""

import hashlib
import re
import unicodedata

# scripts without spaces between words: each character counts as a word
_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3040-\u30ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Chinese characters
)
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+")
_APOSTROPHES = str.maketrans("", "", "'’ʼ`")


def words(text: str) -> list[str]:
    """The words of a text without case, punctuation, apostrophes and Unicode's compatibility variants.

    Symbols are not words, so prompts that differ only in a symbol ("C" and "C++") have the same words.
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES))


def normalized_key(text: str) -> str:
    """A text without case, punctuation and whitespace; empty if it has no letter and no digit."""
    return " ".join(words(text))


def prompt_id(text: str) -> str:
    """Identifier of a prompt: the first 16 hex digits of the SHA-256 of its text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
