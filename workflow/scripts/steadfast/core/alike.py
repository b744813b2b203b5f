"""Detection of texts that readers would confuse."""

import unicodedata


def visual_form(text: str) -> str:
    """A label up to what readers overlook: case, forms of the same characters, and width of spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
