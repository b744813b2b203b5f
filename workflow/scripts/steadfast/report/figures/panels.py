"""Grids of panels: how many are side by side, and which are left empty."""

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def columns_of(panels: int, most: int) -> int:
    """Columns of a grid of panels: at most ``most``, with rows of about equal length."""
    rows = -(-panels // min(most, panels))
    return -(-panels // rows)


def hide_rest(panels: "NDArray[Any]", used: int) -> None:
    """Hide the panels of a grid after the first ``used``, row by row."""
    for axes in list(panels.flat)[used:]:
        axes.set_visible(False)


def bare(axes: "Axes") -> None:
    """Take away the frame and the tick marks, as in a table of cells."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
