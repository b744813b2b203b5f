"""Detection of texts that readers would confuse."""

import unicodedata


def visual_form(text: str) -> str:
    """A label without differences that readers overlook: case, variants of characters, and width of spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
