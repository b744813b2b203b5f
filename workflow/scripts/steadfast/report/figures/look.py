"""Style of the current figure: width, font, colors and formats."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Look:
    """How figures look.

    Attributes:
        formats: suffixes of the files of each figure.
        single_column: width of a figure in one column of a paper, in inches.
        double_column: width of a figure across both columns, in inches.
        font: name of the font family.
        font_size: size of the labels, in points.
        resolution: dots per inch of PNG files.
        titles: whether figures have titles; their notes stay.
        original: color of unedited models.
        edit: color of edited models.
        control: color of controls.
        sequential: color map of rates.
        diverging: color map of what has a sign.
    """

    formats: tuple[str, ...] = ("pdf", "png")
    single_column: float = 3.5
    double_column: float = 7.2
    font: str = "DejaVu Sans"
    font_size: float = 8.0
    resolution: int = 300
    titles: bool = True
    original: str = "#1d3557"
    edit: str = "#d55e00"
    control: str = "#8c8c8c"
    sequential: str = "cividis"
    diverging: str = "PuOr"

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Look":
        """From the keys of a configuration's ``figures``; colors are below ``palette``."""
        known = {**values, **values["palette"], "formats": tuple(values["formats"])}
        return cls(**{key: known[key] for key in cls.__dataclass_fields__})


@dataclass(frozen=True)
class _Drawn:
    """The look of the figure that is being drawn, and its width in inches."""

    look: Look
    width: float


USUAL = _Drawn(Look(), Look().double_column)
_drawn: ContextVar[_Drawn] = ContextVar("drawn", default=USUAL)


def look() -> Look:
    """The look of the figure that is being drawn."""
    return _drawn.get().look


def width() -> float:
    """Width of the figure that is being drawn, in inches."""
    return _drawn.get().width


def narrow() -> bool:
    """Whether the figure has to fit one column: its panels are below each other."""
    return width() < 5.0


@contextmanager
def drawn_as(chosen: Look, column: str = "double") -> Iterator[None]:
    """Draw figures with this look, at the width of a ``single`` or ``double`` column."""
    token = _drawn.set(_Drawn(chosen, chosen.single_column if column == "single" else chosen.double_column))
    try:
        yield
    finally:
        _drawn.reset(token)
