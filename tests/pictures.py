"""What a figure looks like once it is saved."""

from pathlib import Path

import matplotlib.image
import numpy as np
from matplotlib.figure import Figure

from steadfast.report.figures import look, style

COARSE = 50
"""Dots per inch: the layout is in points, so the picture is the same as a fine one, which takes ten times longer."""


def saved_pixels(figure: Figure, folder: Path) -> np.ndarray:
    """Save a figure as users get it, but for the resolution.

    Returns:
        Its pixels [height, width, 3], from 0 to 1.
    """
    file = folder / "figure.png"
    with look.drawn_as(look.Look(resolution=COARSE)):
        style.save(figure, file)
    return matplotlib.image.imread(file)[..., :3]


def touches_its_edge(pixels: np.ndarray) -> bool:
    """Whether the margin of a picture is not empty: something was cut there."""
    return any((side != 1.0).any() for side in (pixels[:1], pixels[-1:], pixels[:, :1], pixels[:, -1:]))
