"""Texts with choices and slots: ``{a|b}`` is one of several wordings, ``<name>`` a slot."""

import random
import re
from collections.abc import Mapping

from steadfast.core.errors import DataError

_INNERMOST = re.compile(r"\{([^{}]*\|[^{}]*)\}")
_SLOT = re.compile(r"<(?!think>)([A-Za-z_]+\d?)>")


def expand(text: str, stream: random.Random) -> str:
    """Resolve every choice of a text, innermost first."""
    while found := _INNERMOST.search(text):
        text = text[: found.start()] + stream.choice(found[1].split("|")) + text[found.end() :]
    return text


def fill(text: str, slots: Mapping[str, str]) -> str:
    """Fill the slots of a text; a capitalized slot gets a capitalized word.

    Raises:
        DataError: a slot has no words.
    """

    def words(found: re.Match[str]) -> str:
        name = found[1]
        if name.lower() not in slots:
            return found[0]
        value = slots[name.lower()]
        return value[:1].upper() + value[1:] if name[0].isupper() else value

    filled = _SLOT.sub(words, text)
    left = _SLOT.search(filled)
    if left:
        raise DataError(f"no words for the slot <{left[1]}> of {text!r}; there are {', '.join(sorted(slots))}")
    return filled
