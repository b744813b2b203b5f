"""The edit of one stored tensor, in blocks, with what the manifest says of it."""

import hashlib
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadfast.attacks.edits import MatrixUpdate, Site
from steadfast.core.errors import DataError
from steadfast.models.architectures import Writer
from steadfast.models.checkpoint_files.arrays import read_array, sum_of_squares, write_all
from steadfast.models.checkpoint_files.dtypes import STORAGE, UNIT_ROUNDOFF, Floats, narrow, widen
from steadfast.models.shards import TensorEntry

BLOCK_BYTES = 2**19  # of float32 values: with its temporaries it stays in a core's cache
# Rounding the result to storage leaves errors that add up along the direction where the update is smaller than
# a unit in the last place; on Gaussian matrices about 5 unit roundoffs, relative to the matrix's level.
TOLERANCE_IN_ROUNDOFFS = 16


@dataclass(frozen=True)
class TensorRecord:
    """What the manifest says of one edited tensor.

    Readings are RᵀW for an edit of directions; lengths are Frobenius norms, over all experts of the tensor.

    Attributes:
        name: name of the tensor.
        target: its group of modules.
        layer: its block, or None.
        shape: sizes of its axes.
        dtype: its storage dtype.
        residual_ratio: ‖reading of W′‖/‖reading of W‖ of the stored tensors, or None if W has none.
        asked_ratio: what the ratio is in exact arithmetic.
        deviation: ‖reading of W′ − the one asked for‖, relative to how far the reading was to move, or None.
        tolerance: largest deviation that storage explains, at most one half.
        residual_ok: whether the deviation is within; also true where there is nothing to change.
        direction_present: whether the reading was to move by more than rounding alone moves it.
        change_norm: ‖W′ − W‖ of the stored tensors.
        sha256: of the stored bytes of W′.
    """

    name: str
    target: str
    layer: int | None
    shape: tuple[int, ...]
    dtype: str
    residual_ratio: float | None
    asked_ratio: float | None
    deviation: float | None
    tolerance: float
    residual_ok: bool
    direction_present: bool
    change_norm: float
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "shape": list(self.shape)}


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


def matrices_of(entry: TensorEntry, writer: Writer, hidden_size: int) -> Matrices:
    """See a tensor as matrices; a bias is a matrix with one input.

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


class TensorEditor:
    """Applies an edit to one tensor, from an open source file to an open target file."""

    def __init__(self, entry: TensorEntry, site: Site, matrices: Matrices) -> None:
        """Prepare for one tensor.

        Args:
            entry: where the source lies.
            site: what it is.
            matrices: how it is laid out.
        """
        self.entry = entry
        self.site = site
        self.matrices = matrices
        self._digest = hashlib.sha256()
        # squares of lengths, summed over all matrices
        self._before = self._after = self._asked = self._missed = self._moved = self._level = self._change = 0.0

    def run(self, source: int, target: int, offset: int, new_update: Callable[[], MatrixUpdate]) -> TensorRecord:
        """Edit the tensor.

        Args:
            source: file descriptor to read ``entry`` from.
            target: file descriptor to write to.
            offset: where the tensor begins in the target.
            new_update: makes a fresh update for each matrix.

        Raises:
            DataError: the result is not finite in the tensor's format.
        """
        os.posix_fadvise(source, self.entry.begin, self.entry.size, os.POSIX_FADV_WILLNEED)
        for index in range(self.matrices.stack):
            update = new_update()
            self.observe(source, index, update)
            after = self._change_matrix(source, target, offset, index, update)
            self._note(update, after)
        return self._record()

    def observe(self, source: int, index: int, update: MatrixUpdate) -> None:
        """Show one matrix to its update."""
        for start, raw in self._blocks(source, index):
            view, outputs, inputs = self._orient(widen(raw, self.entry.dtype), start)
            update.observe(view, outputs, inputs)

    def _change_matrix(
        self, source: int, target: int, offset: int, index: int, update: MatrixUpdate
    ) -> NDArray[np.float64]:
        """Write one changed matrix; return the reading of what was stored."""
        after = update.new_reading()
        item = STORAGE[self.entry.dtype].itemsize
        precision = UNIT_ROUNDOFF[self.entry.dtype] / 2
        for start, raw in self._blocks(source, index):
            block = widen(raw, self.entry.dtype)
            view, outputs, inputs = self._orient(block, start)
            changed = update.change(view, outputs, inputs, precision)
            stored = narrow(changed if self.matrices.rows_are_outputs else changed.T, self.entry.dtype)
            row = index * self.matrices.rows + start
            write_all(target, stored, offset + row * self.matrices.columns * item)
            self._digest.update(stored.data)
            exact = widen(stored, self.entry.dtype)
            update.read(self._orient(exact, start)[0], outputs, inputs, after)
            exact -= block
            self._change += sum_of_squares(exact)
        return after

    def _note(self, update: MatrixUpdate, after: NDArray[np.float64]) -> None:
        before, asked = update.before(), update.asked()
        self._before += sum_of_squares(before)
        self._after += sum_of_squares(after)
        self._asked += sum_of_squares(asked)
        self._missed += sum_of_squares(after - asked)
        self._moved += sum_of_squares(asked - before)
        self._level += update.level() ** 2

    def _blocks(self, source: int, index: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Memory rows of one matrix as stored, in order, with the number of the first row."""
        rows, columns = self.matrices.rows, self.matrices.columns
        dtype = STORAGE[self.entry.dtype]
        step = max(1, BLOCK_BYTES // (4 * columns))
        for start in range(0, rows, step):
            count = min(step, rows - start)
            begin = self.entry.begin + (index * rows + start) * columns * dtype.itemsize
            yield start, read_array(source, begin, (count, columns), dtype)

    def _orient(self, block: Floats, start: int) -> tuple[Floats, slice, slice]:
        rows = slice(start, start + len(block))
        if self.matrices.rows_are_outputs:
            return block, rows, slice(0, self.matrices.columns)
        return block.T, slice(0, self.matrices.columns), rows

    def _record(self) -> TensorRecord:
        if not math.isfinite(self._change):
            raise DataError(
                f"{self.entry.name} is not finite after the edit: {self.entry.dtype} is too narrow for it, or it was "
                "infinite before; a smaller `scale` changes it less"
            )
        before, moved, level = (math.sqrt(square) for square in (self._before, self._moved, self._level))
        roundoff = UNIT_ROUNDOFF[self.entry.dtype]
        present = moved > roundoff * level
        noise = TOLERANCE_IN_ROUNDOFFS * roundoff * max(level, before)
        tolerance = min(noise / moved, 0.5) if present else 0.5
        deviation = math.sqrt(self._missed) / moved if moved > 0 else None
        return TensorRecord(
            name=self.entry.name,
            target=self.site.writer.target,
            layer=self.site.writer.layer,
            shape=self.entry.shape,
            dtype=self.entry.dtype,
            residual_ratio=math.sqrt(self._after) / before if before > 0 else None,
            asked_ratio=math.sqrt(self._asked) / before if before > 0 else None,
            deviation=deviation,
            tolerance=tolerance,
            residual_ok=not present or (deviation is not None and deviation <= tolerance),
            direction_present=present,
            change_norm=math.sqrt(self._change),
            sha256=self._digest.hexdigest(),
        )
