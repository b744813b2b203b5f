"""The edit of one stored tensor, in blocks, with its manifest record."""

import hashlib
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadfast.attacks.edits import MatrixUpdate, Site
from steadfast.core.errors import DataError
from steadfast.models.checkpoint_files.arrays import sum_of_squares
from steadfast.models.checkpoint_files.dtypes import STORAGE, UNIT_ROUNDOFF, widen
from steadfast.models.checkpoint_files.low_rank import LowRankUpdate, changed_rows
from steadfast.models.checkpoint_files.matrices import Matrices
from steadfast.models.shards import TensorEntry

Write = Callable[[NDArray[Any], int], None]

# Rounding the result to storage leaves errors that add up along the direction where the update is smaller than
# a unit in the last place; on Gaussian matrices about 5 unit roundoffs, relative to the matrix's level.
TOLERANCE_IN_ROUNDOFFS = 16


@dataclass(frozen=True)
class TensorRecord:
    """Manifest record of one edited tensor.

    Projections are RW for an edit of directions; lengths are Frobenius norms, over all experts of the tensor.

    Attributes:
        name: name of the tensor.
        target: its group of modules.
        layer: its block, or None.
        shape: sizes of its axes.
        dtype: its storage dtype.
        residual_ratio: ‖projection of W′‖/‖projection of W‖ of the stored tensors, or None if W has none.
        target_ratio: the same ratio in exact arithmetic.
        deviation: ‖projection of W′ − its target‖, relative to the intended change of the projection, or None.
        tolerance: largest deviation that storage explains, at most one half.
        residual_ok: whether the deviation is within the tolerance; also true if there is nothing to change.
        direction_present: whether the intended change of the projection exceeds the effect of rounding.
        change_norm: ‖W′ − W‖ of the stored tensors.
        sha256: of the stored bytes of W′.
    """

    name: str
    target: str
    layer: int | None
    shape: tuple[int, ...]
    dtype: str
    residual_ratio: float | None
    target_ratio: float | None
    deviation: float | None
    tolerance: float
    residual_ok: bool
    direction_present: bool
    change_norm: float
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "shape": list(self.shape)}


class TensorEditor:
    """Applies an edit to one tensor of an open file.

    Attributes:
        factors: factors of the update of each matrix of the tensor, available after ``run``.
    """

    def __init__(self, entry: TensorEntry, site: Site, matrices: Matrices) -> None:
        """Prepare for one tensor.

        Args:
            entry: location of the tensor in its file.
            site: its place in the model.
            matrices: layout of its matrices.
        """
        self.entry = entry
        self.site = site
        self.matrices = matrices
        self.factors: list[LowRankUpdate] = []
        self._digest = hashlib.sha256()
        # squared norms, summed over all matrices
        self._before = self._after = self._target = self._error = self._moved = self._level = self._change = 0.0

    def run(
        self, source: int, new_update: Callable[[], MatrixUpdate], write: Write = lambda _rows, _offset: None
    ) -> TensorRecord:
        """Edit the tensor.

        Args:
            source: file descriptor to read ``entry`` from.
            new_update: creates the update of each matrix.
            write: called with stored rows of the edited tensor and their byte offset within it; by default they are
                discarded.

        Raises:
            DataError: the result is not finite in the tensor's format.
        """
        os.posix_fadvise(source, self.entry.begin, self.entry.size, os.POSIX_FADV_WILLNEED)
        for index in range(self.matrices.stack):
            update = new_update()
            self.observe(source, index, update)
            factors = update.factors()
            self.factors.append(factors)
            self._note(update, self._change_matrix(source, index, update, factors, write))
        return self._record()

    def observe(self, source: int, index: int, update: MatrixUpdate) -> None:
        """Pass one matrix to its update."""
        for start, raw in self.matrices.blocks(source, self.entry, index):
            view, outputs, inputs = self.matrices.orient(widen(raw, self.entry.dtype), start)
            update.observe(view, outputs, inputs)

    def _change_matrix(
        self, source: int, index: int, update: MatrixUpdate, factors: LowRankUpdate, write: Write
    ) -> NDArray[np.float64]:
        """Write one changed matrix; return the projection of what was stored."""
        after = update.new_projection()
        item = STORAGE[self.entry.dtype].itemsize
        for start, raw in self.matrices.blocks(source, self.entry, index):
            block = widen(raw, self.entry.dtype)
            stored = changed_rows(block, start, factors, self.matrices, self.entry.dtype)
            write(stored, self.matrices.offset(index, start) * item)
            self._digest.update(stored.data)
            exact = widen(stored, self.entry.dtype)
            view, outputs, inputs = self.matrices.orient(exact, start)
            update.project(view, outputs, inputs, after)
            exact -= block
            self._change += sum_of_squares(exact)
        return after

    def _note(self, update: MatrixUpdate, after: NDArray[np.float64]) -> None:
        before, target = update.before(), update.target()
        self._before += sum_of_squares(before)
        self._after += sum_of_squares(after)
        self._target += sum_of_squares(target)
        self._error += sum_of_squares(after - target)
        self._moved += sum_of_squares(target - before)
        self._level += update.level() ** 2

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
        deviation = math.sqrt(self._error) / moved if moved > 0 else None
        return TensorRecord(
            name=self.entry.name,
            target=self.site.writer.target,
            layer=self.site.writer.layer,
            shape=self.entry.shape,
            dtype=self.entry.dtype,
            residual_ratio=math.sqrt(self._after) / before if before > 0 else None,
            target_ratio=math.sqrt(self._target) / before if before > 0 else None,
            deviation=deviation,
            tolerance=tolerance,
            residual_ok=not present or (deviation is not None and deviation <= tolerance),
            direction_present=present,
            change_norm=math.sqrt(self._change),
            sha256=self._digest.hexdigest(),
        )
