"""What all figures share: type, colors, size limits, and saving without a trace of the clock.

Colors come from ``cividis``, whose lightness rises evenly: order survives print in gray and color blindness alike.
Nothing is identified by color alone; cells carry numbers and series carry markers of their own.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.colors
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from steadfast.core.errors import DataError
from steadfast.core.files import atomic_path

# Any, since matplotlib types the keys as a union of several hundred literals.
SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.labelsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    # TrueType outlines are embedded, so that text in the PDF stays text.
    "pdf.fonttype": 42,
    # A label is never a formula, whatever characters it holds.
    "text.parse_math": False,
    "axes.unicode_minus": True,
}
METADATA: dict[str, Mapping[str, Any]] = {
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": "Steadfast", "Producer": None},
    "png": {"Software": None},
}
DOTS_PER_INCH = 200
MISSING_COLOR = "#f2f2f2"
INK = "#1a1a1a"
FAINT = "#b3b3b3"
MARKERS = "oDs^vPX<>h"
"""Series are distinguished by these as well as by color."""


@contextmanager
def figure_style() -> Iterator[None]:
    """The settings under which figures are drawn and saved."""
    with mpl.rc_context(SETTINGS):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of the given size in inches, with a canvas of its own and constrained layout."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def message_figure(message: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    with figure_style():
        figure = new_figure(0.07 * len(message) + 0.6, 0.8)
        figure.text(0.5, 0.5, message, ha="center", va="center", color=INK)
    return figure


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure atomically as PDF or PNG, by the suffix; grown where a label would be cut.

    Raises:
        DataError: another suffix.
    """
    kind = Path(path).suffix.removeprefix(".")
    if kind not in METADATA:
        raise DataError(f"{path}: figures are written as {' or '.join(METADATA)}, not {kind or 'without a suffix'}")
    with figure_style(), atomic_path(path) as temporary:
        figure.savefig(
            temporary,
            format=kind,
            dpi=DOTS_PER_INCH,
            bbox_inches="tight",
            pad_inches=0.08,
            metadata=dict(METADATA[kind]),
        )


def color_map() -> Colormap:
    """The perceptually uniform color map of all figures."""
    return mpl.colormaps["cividis"]


def ink_on(colors: Colormap, fraction: float) -> str:
    """Near-black or white, whichever has the higher contrast (WCAG) with the color at ``fraction`` of the map."""
    luminance = _luminance(colors(fraction))
    contrast_with_ink = (luminance + 0.05) / (_luminance(mpl.colors.to_rgba(INK)) + 0.05)
    return INK if contrast_with_ink > 1.05 / (luminance + 0.05) else "white"


def _luminance(color: tuple[float, float, float, float]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def wrap(label: str, width: int = 30) -> str:
    """A label broken into lines of at most ``width`` characters, if it can be; no character is lost."""
    return "\n".join(textwrap.wrap(label, width, break_on_hyphens=True)) or label


def longest_line(labels: Sequence[str]) -> int:
    """Number of characters in the longest line among labels."""
    return max((len(line) for label in labels for line in label.splitlines()), default=0)


def bare(axes: Axes) -> None:
    """Take away the frame and the tick marks, as in a table of cells."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
