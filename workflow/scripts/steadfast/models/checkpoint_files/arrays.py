"""Arrays of safetensors files, read and written at offsets of a file descriptor."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadfast.core.errors import DataError
from steadfast.models.checkpoint_files.dtypes import STORAGE, widen
from steadfast.models.shards import TensorEntry


def read_vector(path: Path, entry: TensorEntry) -> NDArray[np.float64]:
    """Read a tensor with one axis.

    Raises:
        DataError: it is not stored as floating-point numbers.
    """
    if entry.dtype not in STORAGE:
        raise DataError(f"{entry.name} is stored as {entry.dtype}; only {', '.join(STORAGE)} can be read")
    with path.open("rb") as file:
        stored = read_array(file.fileno(), entry.begin, (1, entry.shape[0]), STORAGE[entry.dtype])
    return np.asarray(widen(stored, entry.dtype)[0], dtype=np.float64)


def read_array(source: int, begin: int, shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read an array from a file descriptor without moving its position.

    Raises:
        DataError: the file ends before the array does.
    """
    array = np.empty(shape, dtype=dtype)
    buffer = array.data.cast("B") if array.size else memoryview(b"")
    done = 0
    while done < len(buffer):
        count = os.preadv(source, [buffer[done:]], begin + done)
        if count == 0:
            raise DataError("a shard ended while it was read: it is being changed by someone else")
        done += count
    return array


def write_all(target: int, array: NDArray[Any], offset: int) -> None:
    """Write an array's bytes at an offset of a file descriptor, independently of its position."""
    buffer = np.ascontiguousarray(array).data.cast("B")
    done = 0
    while done < len(buffer):
        done += os.pwrite(target, buffer[done:], offset + done)


def sum_of_squares(values: NDArray[np.floating[Any]]) -> float:
    """Square of the Frobenius norm."""
    flat = values.reshape(-1)
    return float(flat @ flat)
