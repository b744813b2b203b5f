"""What all figures share: type, widths, colors, and saving without a trace of the clock.

The unedited model is dark blue, an edit vermilion and a control gray, in every figure. Rates take a color map whose
lightness rises evenly; changes and correlations take one that is white at 0. Nothing is identified by color alone:
cells carry numbers and series carry markers of their own.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadfast.core.errors import DataError
from steadfast.core.files import atomic_path
from steadfast.core.names import ORIGINAL
from steadfast.report.figures.look import Look, look, width
from steadfast.report.figures.text_fitting import characters, wrap

if TYPE_CHECKING:
    from matplotlib.artist import Artist
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
"""Colors of what is neither edited nor a control: Okabe and Ito's palette for color blindness."""
PARTS = {"refused": "#2a5b8c", "not refused": "#ecd9a4", "unscored": "white"}
"""What became of responses; they differ in lightness, and the last is hatched."""


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
