"""Low-rank updates of stored matrices: W′ = (W − L·R)·diag(g), with factors in float64.

An edit that projects a direction out of a matrix is a low-rank change. Stored as factors, it takes megabytes instead of
gigabytes, and gives the same stored bits wherever it is applied.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadfast.models.checkpoint_files.arithmetic import minus_product
from steadfast.models.checkpoint_files.dtypes import UNIT_ROUNDOFF, Floats, narrow
from steadfast.models.checkpoint_files.matrices import Matrices


@dataclass(frozen=True)
class LowRankUpdate:
    """The update of one matrix W [outputs, inputs], whose outputs lie along the residual stream.

    Attributes:
        left: L, float64 [outputs, k].
        right: R, float64 [k, inputs].
        gain: g, float64 [inputs], factors of the columns, applied afterwards; None for no factors.
    """

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    gain: NDArray[np.float64] | None = None

    def change(self, block: Floats, outputs: slice, inputs: slice, precision: float) -> Floats:
        """A block of W′ as a new array, in the block's dtype and memory order.

        Args:
            block: the same block of W: all of one axis and a slice of the other; it is not modified.
            outputs: its slice along the residual stream.
            inputs: its slice along the other axis.
            precision: largest relative error of an entry that is hidden by its storage format.
        """
        changed = minus_product(block, self.left[outputs], self.right[:, inputs], precision)
        if self.gain is not None:
            changed *= self.gain[inputs].astype(block.dtype)
        return changed


def changed_rows(block: Floats, start: int, update: LowRankUpdate, matrices: Matrices, dtype: str) -> NDArray[Any]:
    """Stored memory rows of W′, given those of W.

    Args:
        block: memory rows of one matrix, widened for arithmetic.
        start: index of the first row.
        update: the update of the matrix.
        matrices: layout of the matrix.
        dtype: its storage dtype.
    """
    view, outputs, inputs = matrices.orient(block, start)
    changed = update.change(view, outputs, inputs, UNIT_ROUNDOFF[dtype] / 2)
    return narrow(matrices.as_stored(changed), dtype)
