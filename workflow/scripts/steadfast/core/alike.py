"""Texts that readers would take for one another."""

import unicodedata


def as_it_looks(text: str) -> str:
    """A label as readers tell it from others: without case, forms of the same characters and the width of spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
