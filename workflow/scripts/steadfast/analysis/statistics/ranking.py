"""Rank correlation of many raters at once."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

TOLERANCE = 1e-9
"""Values closer than this are ties; it absorbs the rounding of means."""


def kendall_matrix(values: FloatArray) -> FloatArray:
    """Kendall's τ-b (with ties) between all pairs of rows.

    Args:
        values: shape [..., rows, observations]; observations must be free of NaN.

    Returns:
        Shape [..., rows, rows], within [-1, 1]; NaN where all observations of a row are tied.
    """
    first, second = np.triu_indices(values.shape[-1], k=1)
    difference = values[..., first] - values[..., second]
    signs = np.where(np.abs(difference) > TOLERANCE, np.sign(difference), 0.0)
    concordance = signs @ np.swapaxes(signs, -1, -2)
    untied = np.sqrt(np.diagonal(concordance, axis1=-2, axis2=-1))
    scale = untied[..., :, None] * untied[..., None, :]
    undefined = np.full(concordance.shape, np.nan)
    tau: FloatArray = np.divide(concordance, scale, out=undefined, where=scale > 0)
    return tau.clip(-1.0, 1.0)
