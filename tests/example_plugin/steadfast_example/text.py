"""Reading of texts."""


def count_words(text: str) -> int:
    """Number of words."""
    return len(text.split())
