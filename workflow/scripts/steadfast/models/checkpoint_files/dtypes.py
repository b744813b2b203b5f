"""Storage dtypes of safetensors files, widened for arithmetic and narrowed back with NumPy alone.

NumPy has no bfloat16: its bits are the upper half of a float32, so widening is a shift and narrowing rounds
to the nearest, ties to even, as IEEE 754 and torch do.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]  # float32 or float64

# bytes per element and NumPy's dtype for the raw bits
STORAGE: dict[str, np.dtype[Any]] = {
    "BF16": np.dtype("<u2"),
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
}
# relative error of rounding to nearest: half of a unit in the last place
UNIT_ROUNDOFF = {"BF16": 2.0**-8, "F16": 2.0**-11, "F32": 2.0**-24, "F64": 2.0**-53}


def widen(stored: NDArray[Any], dtype: str) -> Floats:
    """A new array for arithmetic: float32 for 16-bit storage, float64 for wider.

    The extra precision keeps a result within one unit in the last place of the exact one, unless the terms of a
    difference cancel; edits compute such entries in float64.
    """
    if dtype == "BF16":
        bits = np.left_shift(stored, 16, dtype=np.uint32)
        return np.asarray(bits.view(np.float32))
    if dtype == "F16":
        return stored.astype(np.float32)
    return stored.astype(np.float64)


def narrow(values: Floats, dtype: str) -> NDArray[Any]:
    """Round to the storage dtype, to the nearest, ties to even; shape kept."""
    if dtype != "BF16":
        return values.astype(STORAGE[dtype])
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    rounded = bits >> 16
    rounded &= 1
    rounded += 0x7FFF
    rounded += bits
    rounded >>= 16
    return rounded.astype(STORAGE[dtype])
