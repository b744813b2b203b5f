"""Allowed characters in texts of the configuration that are shown or become part of prompts."""

import unicodedata

LONGEST_LABEL = 100
# characters with a meaning in HTML, Markdown, TeX or a shell
MARKUP = "<>$\\|`"
# joiners that some scripts require
_JOINERS = "\u200c\u200d"


def label_problem(text: str) -> str:
    """Why a text cannot be a label; empty if it can."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and character not in _JOINERS:
            return f"holds the control character {character!r}; allowed: one line of text"
        if character in MARKUP:
            return f"holds {character!r}; allowed: text without markup, that is without any of {' '.join(MARKUP)}"
    if text != text.strip() or not text:
        return "is empty or begins or ends with white space; allowed: one line of text"
    if len(text) > LONGEST_LABEL:
        return f"has {len(text)} characters; allowed: at most {LONGEST_LABEL}"
    return ""


def text_problem(text: str) -> str:
    """Why a text of any kind cannot be used; empty if it can."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n\r":
            return f"holds the control character {character!r}; allowed: text, with line breaks and tabs"
    return ""
