"""Correlation matrices of many raters at once."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def pearson_matrix(values: FloatArray) -> FloatArray:
    """Pearson correlation between all pairs of rows.

    Args:
        values: shape [..., rows, observations].

    Returns:
        Shape [..., rows, rows], within [-1, 1]; NaN where one of the rows is constant.
    """
    if values.shape[-1] == 0:
        return np.full((*values.shape[:-1], values.shape[-2]), np.nan)
    centered = values - values.mean(axis=-1, keepdims=True)
    # A constant row must have a variance of exactly 0 despite rounding of its mean.
    centered[np.ptp(values, axis=-1) == 0] = 0.0
    products = centered @ np.swapaxes(centered, -1, -2)
    scale = np.sqrt(np.diagonal(products, axis1=-2, axis2=-1))
    norms = scale[..., :, None] * scale[..., None, :]
    undefined = np.full(products.shape, np.nan)
    correlations: FloatArray = np.divide(products, norms, out=undefined, where=norms > 0)
    return correlations.clip(-1.0, 1.0)
