"""A block of a matrix minus a low-rank product, with the precision of its storage format."""

import numpy as np
from numpy.typing import NDArray

from steadfast.models.checkpoint_files.dtypes import Floats

FLOAT32_ROUNDOFF = 2.0**-24  # largest relative error of one rounding


def minus_product(block: Floats, left: NDArray[np.float64], right: NDArray[np.float64], precision: float) -> Floats:
    """``block − left @ right`` in the block's dtype and memory order; left [outputs, k], right [k, inputs].

    Computed as successive outer products: for few directions, this is several times faster than a matrix product, and
    bitwise reproducible with any library.

    Args:
        block: float32 or float64 [outputs, inputs]; it is not modified.
        left: left factor.
        right: right factor.
        precision: largest relative error of an entry of a float32 block; entries that nearly cancel, so that rounding
            could exceed it, are computed in float64.
    """
    turned = not block.flags.c_contiguous
    # columns and rows in memory order
    whole, columns, rows = (block.T, right, left.T) if turned else (block, left.T, right)
    result = whole
    for column, row in zip(columns.astype(block.dtype), rows.astype(block.dtype), strict=True):
        product = column[:, None] * row
        result = np.subtract(result, product, out=product)
    if block.dtype == np.float32:
        _mend_cancelled(result, whole, columns, rows, precision)
    return result.T if turned else result


def _mend_cancelled(
    result: Floats, block: Floats, columns: NDArray[np.float64], rows: NDArray[np.float64], precision: float
) -> None:
    """Recompute, in float64, each entry of ``result`` whose float32 error may exceed ``precision``.

    With u the unit roundoff and S the sum of the k products' absolute values, an entry y is off by at most
    u·((k + 2)·S + k·|y|): a product by 3u of itself (both factors and the product are rounded), a difference by u of
    what it leaves, which is at most |y| + S, and for the last one |y|. The first term is small beside |y| unless
    the products cancel most of the entry. S is bounded once for each memory row, which takes in a few entries more.
    """
    largest = np.abs(columns).T @ np.abs(rows).max(axis=1)
    limits = ((len(rows) + 2) * FLOAT32_ROUNDOFF / precision * largest).astype(np.float32)
    sizes = np.abs(result)
    reached = np.flatnonzero(sizes.min(axis=1) < limits)
    if len(reached) == 0:
        return
    doubtful = np.flatnonzero(sizes[reached] < limits[reached, None])  # much faster on a flat array
    places, column = np.unravel_index(doubtful, (len(reached), result.shape[1]))
    line = reached[places]
    result[line, column] = block[line, column] - np.einsum("kn,kn->n", columns[:, line], rows[:, column])
