"""Texts that readers would take for one another."""

import unicodedata


def visual_form(text: str) -> str:
    """A label as readers tell it from others: without case, forms of the same characters and the width of spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
