"""A stored tensor seen as matrices whose outputs lie along the residual stream, read in blocks of memory rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadfast.core.errors import DataError
from steadfast.models.architectures import Writer
from steadfast.models.checkpoint_files.arrays import read_array
from steadfast.models.checkpoint_files.dtypes import STORAGE, Floats
from steadfast.models.shards import TensorEntry

BLOCK_BYTES = 2**19  # number of float32 values, so that a block and its temporaries fit into a core's cache


@dataclass(frozen=True)
class Matrices:
    """A tensor seen as a stack of matrices whose memory rows lie along either axis.

    Attributes:
        stack: number of matrices (experts), 1 for a plain matrix.
        rows: memory rows of each.
        columns: length of a memory row.
        rows_are_outputs: whether the memory rows run along the residual stream.
    """

    stack: int
    rows: int
    columns: int
    rows_are_outputs: bool

    @property
    def outputs(self) -> int:
        """Size along the residual stream."""
        return self.rows if self.rows_are_outputs else self.columns

    @property
    def inputs(self) -> int:
        """Size of the other axis."""
        return self.columns if self.rows_are_outputs else self.rows

    def blocks(self, source: int, entry: TensorEntry, index: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Stored memory rows of one matrix, in order, with the index of the first row.

        Args:
            source: file descriptor to read from.
            entry: location of the tensor in it.
            index: index of the matrix in the stack.

        Raises:
            DataError: the file ends before the tensor does.
        """
        dtype = STORAGE[entry.dtype]
        step = max(1, BLOCK_BYTES // (4 * self.columns))
        for start in range(0, self.rows, step):
            count = min(step, self.rows - start)
            begin = entry.begin + self.offset(index, start) * dtype.itemsize
            yield start, read_array(source, begin, (count, self.columns), dtype)

    def offset(self, index: int, row: int) -> int:
        """Number of values before a memory row of one matrix."""
        return (index * self.rows + row) * self.columns

    def orient(self, block: Floats, start: int) -> tuple[Floats, slice, slice]:
        """A block [outputs, inputs] as a view of memory rows, with its slices along both axes."""
        rows = slice(start, start + len(block))
        if self.rows_are_outputs:
            return block, rows, slice(0, self.columns)
        return block.T, slice(0, self.columns), rows

    def as_stored(self, block: Floats) -> Floats:
        """The memory rows of a block [outputs, inputs]."""
        return block if self.rows_are_outputs else block.T


def matrices_of(entry: TensorEntry, writer: Writer, hidden_size: int) -> Matrices:
    """View a tensor as matrices; a bias is a matrix with one input.

    Raises:
        DataError: the axis of the registry does not have the width of the stream, or the dtype is not a
            floating-point one.
    """
    shape = entry.shape
    if entry.dtype not in STORAGE:
        raise DataError(f"{entry.name} is stored as {entry.dtype}; only {', '.join(STORAGE)} can be edited")
    if writer.axis >= len(shape) or shape[writer.axis] != hidden_size:
        raise DataError(
            f"{entry.name} has shape {list(shape)}, but its axis {writer.axis} should be {hidden_size} wide"
        )
    if writer.bias:
        return Matrices(int(np.prod(shape[:-1], dtype=np.int64)), hidden_size, 1, True)
    stack = int(np.prod(shape[:-2], dtype=np.int64))
    return Matrices(stack, shape[-2], shape[-1], rows_are_outputs=writer.axis == len(shape) - 2)
