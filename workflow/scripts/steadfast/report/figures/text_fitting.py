"""Size of texts, and line breaks."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from steadfast.report.figures.look import look, width

if TYPE_CHECKING:
    pass

GLYPH = 0.58
"""Width of an average character, in parts of the type's size."""


def characters(inches: float, size: float | None = None) -> int:
    """How many characters fit into a length, at a type size in points."""
    return max(8, int(inches * 72 / (GLYPH * (size or look().font_size))))


def inches_of(labels: Sequence[str], size: float | None = None) -> float:
    """Length of the longest line among labels, roughly, in inches."""
    return longest_line(labels) * GLYPH * (size or look().font_size) / 72


def row_labels(labels: Sequence[str], share: float = 0.3) -> list[str]:
    """Labels of rows, broken into lines so that they take at most a share of the figure's width."""
    return [wrap(label, characters(share * width())) for label in labels]


def wrap(label: str, width: int = 30) -> str:
    """A label broken into lines of at most ``width`` characters, if it can be; no character is lost."""
    return "\n".join(textwrap.wrap(label, width, break_on_hyphens=True, break_long_words=False)) or label


def longest_line(labels: Sequence[str]) -> int:
    """Number of characters in the longest line among labels."""
    return max((len(line) for label in labels for line in label.splitlines()), default=0)


def most_lines(labels: Sequence[str]) -> int:
    """Number of lines of the label with the most."""
    return max((label.count("\n") + 1 for label in labels), default=1)
