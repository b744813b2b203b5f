"""The edit of one stored tensor, in blocks, with what the manifest says of it."""

import hashlib
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadfast.architectures import Writer
from steadfast.checkpoints.dtypes import STORAGE, UNIT_ROUNDOFF, Floats, narrow, widen
from steadfast.checkpoints.shards import TensorEntry
from steadfast.edits import MatrixUpdate
from steadfast.errors import DataError

BLOCK_BYTES = 2**20  # of float32 values: what stays in a core's cache while a block is worked on
# Rounding the result to storage leaves errors that add up along the direction where the update is smaller than
# a unit in the last place; on Gaussian matrices about 5 unit roundoffs, relative to the matrix's level.
TOLERANCE_IN_ROUNDOFFS = 16


@dataclass(frozen=True)
class TensorRecord:
    """What the manifest says of one edited tensor.

    Attributes:
        name: name of the tensor.
        target: its group of modules.
        layer: its block, or None.
        shape: sizes of its axes.
        dtype: its storage dtype.
        residual_ratio: ‖RᵀW′‖/‖RᵀW‖ of the stored tensors, or None if W has nothing along R.
        asked_ratio: what the ratio is in exact arithmetic.
        kept_share: ⟨RᵀW′, RᵀW⟩/‖RᵀW‖², which has a sign where the ratio has none, or None likewise.
        asked_share: what the share is in exact arithmetic.
        tolerance: by how much storage may make the ratio and the share differ.
        residual_ok: whether they differ by less; also true where there is nothing to remove.
        direction_present: whether ‖RᵀW‖ exceeds what rounding alone would leave.
        change_norm: ‖W′ − W‖ (Frobenius) of the stored tensors.
        sha256: of the stored bytes of W′.
    """

    name: str
    target: str
    layer: int | None
    shape: tuple[int, ...]
    dtype: str
    residual_ratio: float | None
    asked_ratio: float
    kept_share: float | None
    asked_share: float
    tolerance: float
    residual_ok: bool
    direction_present: bool
    change_norm: float
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "shape": list(self.shape)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "TensorRecord":
        """Read what ``to_json`` wrote."""
        return cls(**{**fields, "shape": tuple(fields["shape"])})


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
    """Applies an update to one tensor, from an open source file to an open target file."""

    def __init__(self, entry: TensorEntry, writer: Writer, basis: NDArray[np.float64], asked_share: float) -> None:
        """Prepare for one tensor.

        Args:
            entry: where the source lies.
            writer: what it is.
            basis: float64 [k, hidden]; the rows that the update edits.
            asked_share: what share of RᵀW the update should keep, with its sign.
        """
        self.entry = entry
        self.writer = writer
        self.basis = basis
        self.asked_share = asked_share
        self.matrices = matrices_of(entry, writer, basis.shape[1])
        self._digest = hashlib.sha256()
        # sums over all matrices
        self._before = self._after = self._common = self._level = self._change = 0.0

    def run(self, source: int, target: int, offset: int, new_update: Callable[[], MatrixUpdate]) -> TensorRecord:
        """Edit the tensor.

        Args:
            source: file descriptor to read ``entry`` from.
            target: file descriptor to write to.
            offset: where the tensor begins in the target.
            new_update: makes a fresh update for each matrix.
        """
        for index in range(self.matrices.stack):
            self._edit_matrix(source, target, offset, index, new_update())
        return self._record()

    def _edit_matrix(self, source: int, target: int, offset: int, index: int, update: MatrixUpdate) -> None:
        shape = (len(self.basis), self.matrices.inputs)
        before, after = np.zeros(shape), np.zeros(shape)
        for start, raw in self._blocks(source, index):
            block = widen(raw, self.entry.dtype)
            view, outputs, inputs = self._orient(block, start)
            update.observe(view, outputs, inputs)
            self._project(view, outputs, inputs, before)
            self._level += self._weighted_squares(view, outputs)
        item = STORAGE[self.entry.dtype].itemsize
        for start, raw in self._blocks(source, index):
            block = widen(raw, self.entry.dtype)
            changed = block.copy()
            view, outputs, inputs = self._orient(changed, start)
            update.change(view, outputs, inputs)
            stored = narrow(changed, self.entry.dtype)
            row = index * self.matrices.rows + start
            write_all(target, stored, offset + row * self.matrices.columns * item)
            self._digest.update(stored.data)
            exact = widen(stored, self.entry.dtype)
            self._project(self._orient(exact, start)[0], outputs, inputs, after)
            block -= exact
            self._change += _sum_of_squares(block)
        self._before += float((before**2).sum())
        self._after += float((after**2).sum())
        self._common += float((after * before).sum())

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

    def _project(self, view: Floats, outputs: slice, inputs: slice, total: NDArray[np.float64]) -> None:
        total[:, inputs] += self.basis[:, outputs].astype(view.dtype) @ view

    def _weighted_squares(self, view: Floats, outputs: slice) -> float:
        """Sum of r²W², the square of what RᵀW would be if the entries' signs were random."""
        weights = (self.basis[:, outputs] ** 2).sum(axis=0)
        return float(weights @ np.einsum("oi,oi->o", view, view))

    def _record(self) -> TensorRecord:
        before, level = math.sqrt(self._before), math.sqrt(self._level)
        roundoff = UNIT_ROUNDOFF[self.entry.dtype]
        present = before > roundoff * level
        ratio = math.sqrt(self._after) / before if before > 0 else None
        share = self._common / self._before if before > 0 else None
        tolerance = self._tolerance(roundoff * max(1.0, level / before)) if present else 0.0
        entry, writer = self.entry, self.writer
        return TensorRecord(
            name=entry.name,
            target=writer.target,
            layer=writer.layer,
            shape=entry.shape,
            dtype=entry.dtype,
            residual_ratio=ratio,
            asked_ratio=abs(self.asked_share),
            kept_share=share,
            asked_share=self.asked_share,
            tolerance=tolerance,
            residual_ok=not present or self._within(ratio, share, tolerance),
            direction_present=present,
            change_norm=math.sqrt(self._change),
            sha256=self._digest.hexdigest(),
        )

    def _tolerance(self, roundoff: float) -> float:
        """What rounding may do; never more than half of the way from the original to what was asked for."""
        return min(TOLERANCE_IN_ROUNDOFFS * roundoff, abs(1 - self.asked_share) / 2)

    def _within(self, ratio: float | None, share: float | None, tolerance: float) -> bool:
        if ratio is None or share is None:
            return False
        return abs(ratio - abs(self.asked_share)) <= tolerance and abs(share - self.asked_share) <= tolerance


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
    """Write an array's bytes at an offset of a file descriptor, whatever its position."""
    buffer = np.ascontiguousarray(array).data.cast("B")
    done = 0
    while done < len(buffer):
        done += os.pwrite(target, buffer[done:], offset + done)


def _sum_of_squares(block: Floats) -> float:
    flat = block.reshape(-1)
    return float(flat @ flat)
