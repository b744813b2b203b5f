"""One merged tensor, in blocks of rows."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadfast.core.errors import DataError
from steadfast.models.adapters.weights import AdapterUpdate, LowRank
from steadfast.models.checkpoint_files.arrays import read_array, sum_of_squares, write_all
from steadfast.models.checkpoint_files.dtypes import STORAGE, Floats, narrow, widen
from steadfast.models.checkpoint_files.rewriting import Record
from steadfast.models.shards import TensorEntry

BLOCK_BYTES = 2**21  # number of values processed at a time


def merge_tensor(
    adapter: Path,
    change: AdapterUpdate,
    origin: TensorEntry,
    merged: TensorEntry,
    source: int,
    target: int,
    offset: int,
) -> Record:
    """Write one merged tensor.

    The update is computed in float32 for tensors stored in 16 bits and in float64 for wider ones, then rounded once.

    Args:
        adapter: the adapter's file of weights.
        change: the change.
        origin: the base's tensor, in ``source``.
        merged: name, dtype, shape and size of the result.
        source: file descriptor of the base's shard.
        target: file descriptor of the new shard.
        offset: offset of the tensor in it.

    Returns:
        The tensor's name, the Frobenius norm of its change (of the new tensor, if it is replaced) and its SHA-256.

    Raises:
        DataError: the result is not finite.
    """
    dtype = STORAGE[merged.dtype]
    columns = merged.shape[-1]
    digest, square = hashlib.sha256(), 0.0
    with ExitStack() as stack:
        own = os.open(adapter, os.O_RDONLY)
        stack.callback(os.close, own)
        update = _Update(own, change, merged.dtype)
        given = change.replacement or origin
        for start, stop in _row_blocks(merged):
            before = _rows(own if change.replacement else source, given, start, stop)
            values = update.added_to(before, start, stop)
            stored = narrow(values, merged.dtype)
            exact = widen(stored, merged.dtype)
            if not np.isfinite(exact).all():
                raise DataError(f"{merged.name} is not finite after the merge: {merged.dtype} is too narrow for it")
            write_all(target, stored, offset + start * columns * dtype.itemsize)
            digest.update(stored.data)
            square += sum_of_squares(exact if change.replacement else exact - before)
    return {"name": merged.name, "change_norm": float(np.sqrt(square)), "sha256": digest.hexdigest()}


class _Update:
    """The update of the rows of one tensor.

    Args:
        adapter: file descriptor of the adapter's weights.
        change: the change.
        dtype: storage dtype of the tensor.
    """

    def __init__(self, adapter: int, change: AdapterUpdate, dtype: str) -> None:
        precision = widen(np.zeros(1, STORAGE[dtype]), dtype).dtype
        self._low_rank, self._bias = change.update, change.bias
        self._rows: Floats | None = None
        if change.update is not None:
            self._rows, self._inner = _factors(adapter, change.update, precision)
        if change.bias is not None:
            entry, scaling = change.bias
            self._vector = _rows(adapter, entry, 0, 1).astype(precision) * scaling

    def added_to(self, before: Floats, start: int, stop: int) -> Floats:
        """Rows ``start`` to ``stop`` of the merged tensor."""
        values = before
        if self._low_rank is not None and self._rows is not None:
            values = values + (self._rows[start:stop] @ self._inner) * self._low_rank.scaling
        if self._bias is not None:
            values = values + self._vector
        return np.asarray(values)


def _factors(adapter: int, update: LowRank, precision: np.dtype[Any]) -> tuple[Floats, Floats]:
    """The two factors of an update, [rows, rank] and [rank, columns] as the weight is stored."""
    down, up = (_rows(adapter, entry, 0, entry.shape[0]).astype(precision) for entry in (update.down, update.up))
    return (np.ascontiguousarray(down.T), np.ascontiguousarray(up.T)) if update.transposed else (up, down)


def _row_blocks(entry: TensorEntry) -> Iterator[tuple[int, int]]:
    columns = entry.shape[-1]
    rows = entry.count // columns
    step = max(1, BLOCK_BYTES // (8 * columns))
    for start in range(0, rows, step):
        yield start, min(start + step, rows)


def _rows(descriptor: int, entry: TensorEntry, start: int, stop: int) -> NDArray[np.floating[Any]]:
    """Rows of a tensor, widened; one with one axis has one row."""
    columns, dtype = entry.shape[-1], STORAGE[entry.dtype]
    begin = entry.begin + start * columns * dtype.itemsize
    return widen(read_array(descriptor, begin, (stop - start, columns), dtype), entry.dtype)
