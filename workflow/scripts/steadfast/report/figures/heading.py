"""Title and notes of a figure, above its panels: what is shown, by which judge, from how many responses."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from steadfast.report.figures.look import look, width
from steadfast.report.figures.style import INK, QUIET
from steadfast.report.figures.text_fitting import GLYPH, characters, wrap

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

PAD = 0.06
LINE = 1.28
EDGE = 0.03
"""Inches at the right end that hold the half of a marker at the end of an axis."""
NOTE_SCALE = 0.86
"""Size of the notes, in parts of the labels' size."""


def heading_height(title: str, notes: Sequence[str]) -> float:
    """Height in inches of what ``add_heading`` writes."""
    return sum(height for _, height, _ in _lines(title, notes)) + PAD + 0.04


def add_heading(figure: "Figure", title: str, notes: Sequence[str]) -> None:
    """Write the title and the notes at the top, and keep the panels below them.

    Args:
        figure: the figure, as high as its panels and ``heading_height``.
        title: what is shown; left out where the configuration wants no titles.
        notes: judge, numbers of responses, what lines and marks are; empty ones are left out.
    """
    height = figure.get_size_inches()[1]
    below = PAD
    for text, taken, bold in _lines(title, notes):
        figure.text(
            0.04 / width(),
            1 - below / height,
            text,
            ha="left",
            va="top",
            color=INK if bold else QUIET,
            fontsize=look().font_size * (1.08 if bold else NOTE_SCALE),
            fontweight="bold" if bold else "normal",
            in_layout=False,
        )
        below += taken
    engine = figure.get_layout_engine()
    # mypy knows only the base class of layout engines
    engine.set(rect=(0.0, 0.0, 1 - EDGE / width(), 1 - (below + 0.04) / height))  # type: ignore[union-attr, call-arg]


def add_legend(figure: "Figure", handles: Sequence["Artist"], title: str = "") -> None:
    """A legend below the panels, in as many columns as fit."""
    if not handles:
        return
    figure.legend(handles=list(handles), loc="outside lower center", ncols=legend_columns(handles), title=title or None)


def legend_columns(handles: Sequence["Artist"]) -> int:
    """As many columns as fit; entries fill one column after the other."""
    lengths = [len(str(handle.get_label())) for handle in handles]
    for columns in range(len(handles), 1, -1):
        rows = -(-len(lengths) // columns)
        longest = [max(lengths[start : start + rows]) for start in range(0, len(lengths), rows)]
        if len(longest) == columns and sum(GLYPH * one + 4.4 for one in longest) * look().font_size / 72 <= width():
            return columns
    return 1


def legend_height(handles: Sequence["Artist"]) -> float:
    """Height in inches of a legend below the panels."""
    if not handles:
        return 0.0
    return (-(-len(handles) // legend_columns(handles))) * 1.6 * look().font_size / 72 + 0.12


def _lines(title: str, notes: Sequence[str]) -> list[tuple[str, float, bool]]:
    """Texts with their heights in inches, and whether they are the title."""
    size = look().font_size
    found = []
    if title and look().titles:
        found.append((wrap(title, characters(width() - 0.1, 1.2 * size)), 1.08 * size, True))
    note = "; ".join(note for note in notes if note)
    if note:
        note = note[0].upper() + note[1:]
        found.append((wrap(note, characters(width() - 0.1, 0.92 * NOTE_SCALE * size)), NOTE_SCALE * size, False))
    return [(text, LINE * points * (text.count("\n") + 1) / 72, bold) for text, points, bold in found]


def number_of(values: Iterable[float], what: str) -> str:
    """How many there are: ``n = 20 prompts``, or from the least to the most."""
    found = sorted({int(value) for value in values})
    if not found:
        return ""
    return f"n = {found[0]:,} {what}" if len(found) == 1 else f"n = {found[0]:,} to {found[-1]:,} {what}"
