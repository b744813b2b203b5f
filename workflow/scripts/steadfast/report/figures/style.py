"""What all figures share: type, widths, colors, and saving without a trace of the clock.

The unedited model is dark blue, an edit vermilion and a control gray, in every figure. Rates take a color map whose
lightness rises evenly; changes and correlations take one that is white at 0. Nothing is identified by color alone:
cells carry numbers and series carry markers of their own.
"""

import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadfast.core.errors import DataError
from steadfast.core.files import atomic_path
from steadfast.core.names import ORIGINAL

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

METADATA: dict[str, Mapping[str, Any]] = {
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": "Steadfast", "Producer": None},
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": "Steadfast"},
}
MISSING_COLOR = "#f2f2f2"
INK = "#1a1a1a"
FAINT = "#b3b3b3"
QUIET = "#595959"
MARKERS = "oDs^vPX<>h"
"""Series are distinguished by these as well as by color."""
EDIT_SHADES = (0.0, -0.45, 0.4, -0.25, 0.2)
CONTROL_SHADES = (0.0, -0.45, 0.35)
SERIES = ("#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", INK)
"""Colors of what is neither edited nor a control: Okabe and Ito's, which the color-blind can tell apart."""
PARTS = {"refused": "#2a5b8c", "not refused": "#ecd9a4", "unscored": "white"}
"""What became of responses; they differ in lightness, and the last is hatched."""
GLYPH = 0.58
"""Width of an average character, in parts of the type's size."""


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


@contextmanager
def figure_style() -> Iterator[None]:
    """The settings under which figures are drawn and saved."""
    import matplotlib as mpl

    with mpl.rc_context(_settings(look())):
        yield


def _settings(chosen: Look) -> Any:
    """Any, since matplotlib types the keys as a union of several hundred literals."""
    size = chosen.font_size
    return {
        "font.family": chosen.font,
        "font.size": size,
        "axes.titlesize": size,
        "axes.titleweight": "bold",
        "axes.labelsize": size,
        "xtick.labelsize": size,
        "ytick.labelsize": size,
        "legend.fontsize": size,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "hatch.linewidth": 0.5,
        "legend.frameon": False,
        "legend.handletextpad": 0.5,
        "legend.columnspacing": 1.4,
        # TrueType outlines are embedded, so that text in the PDF stays text; in SVG files it is text as well.
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "steadfast",
        # A label is never a formula, whatever characters it holds.
        "text.parse_math": False,
        "axes.unicode_minus": True,
    }


def new_figure(height: float) -> "Figure":
    """An empty figure of the width of its column and the given height in inches, with constrained layout."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width(), height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def message_figure(message: str) -> "Figure":
    """A figure that says why there is nothing to draw."""
    with figure_style():
        lines = wrap(message, characters(width() - 0.4))
        figure = new_figure(0.5 + 0.16 * (lines.count("\n") + 1))
        figure.text(0.5, 0.5, lines, ha="center", va="center", color=INK)
    return figure


def save(figure: "Figure", path: str | Path) -> None:
    """Write a figure atomically, in the format that the suffix names.

    Raises:
        DataError: another suffix.
    """
    kind = Path(path).suffix.removeprefix(".")
    if kind not in METADATA:
        known = ", ".join(METADATA)
        raise DataError(f"{path}: figures are written as {known}, not {kind or 'without a suffix'}")
    with figure_style(), atomic_path(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=look().resolution, metadata=dict(METADATA[kind]))


def color_map(*, diverging: bool = False) -> "Colormap":
    """The color map of rates, or of what has a sign."""
    import matplotlib as mpl

    return mpl.colormaps[look().diverging if diverging else look().sequential]


def mixed(color: str, share: float) -> Any:
    """A color mixed with white (share above 0) or black (below)."""
    from matplotlib.colors import to_rgb

    end = 1.0 if share > 0 else 0.0
    return tuple((1 - abs(share)) * part + abs(share) * end for part in to_rgb(color))


def variant_styles(variants: Sequence[str], controls: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Color, marker and filling of every variant: the original dark, edits in the edits' color, controls hollow gray.

    Several edits differ in their markers and in the lightness of the color.
    """
    edits = [name for name in variants if name != ORIGINAL and name not in controls]
    others = [name for name in variants if name in controls]
    styles = {ORIGINAL: {"color": look().original, "marker": "o", "filled": True}}
    for number, name in enumerate(edits):
        shade = mixed(look().edit, EDIT_SHADES[number % len(EDIT_SHADES)])
        styles[name] = {"color": shade, "marker": MARKERS[1 + number % (len(MARKERS) - 1)], "filled": True}
    for number, name in enumerate(others):
        shade = mixed(look().control, CONTROL_SHADES[number % len(CONTROL_SHADES)])
        styles[name] = {"color": shade, "marker": "s^vo<>"[number % 6], "filled": False}
    return {name: styles[name] for name in variants}


def series_color(number: int) -> str:
    """Color of one of several series that are neither edits nor controls."""
    return SERIES[number % len(SERIES)]


def marker_key(label: str, style: Mapping[str, Any], size: float = 4.5) -> "Artist":
    """An entry of a legend: the marker of a variant."""
    from matplotlib.lines import Line2D

    face = style["color"] if style["filled"] else "white"
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=style["marker"],
        markersize=size,
        markerfacecolor=face,
        markeredgecolor=style["color"],
        label=label,
    )


def part_style(part: str) -> dict[str, Any]:
    """Filling of a part of a bar."""
    unscored = part == "unscored"
    return {
        "facecolor": PARTS[part],
        "edgecolor": FAINT if unscored else "white",
        "hatch": "/////" if unscored else None,
        "linewidth": 0.4,
    }


def patch_key(label: str, **filling: Any) -> "Artist":
    """An entry of a legend: a filled box."""
    from matplotlib.patches import Patch

    return Patch(label=label, **filling)


def ink_on(colors: "Colormap", fraction: float) -> str:
    """Near-black or white, whichever has the higher contrast (WCAG) with the color at ``fraction`` of the map."""
    from matplotlib.colors import to_rgba

    luminance = _luminance(colors(fraction))
    contrast_with_ink = (luminance + 0.05) / (_luminance(to_rgba(INK)) + 0.05)
    return INK if contrast_with_ink > 1.05 / (luminance + 0.05) else "white"


def _luminance(color: Sequence[float]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def columns_of(panels: int, most: int) -> int:
    """Columns of a grid of panels: at most ``most``, with rows of about equal length."""
    rows = -(-panels // min(most, panels))
    return -(-panels // rows)


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


def bare(axes: "Axes") -> None:
    """Take away the frame and the tick marks, as in a table of cells."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
