"""Directional ablation of the weights: W ← W − s·R(RᵀW) (weight orthogonalization, Arditi et al. 2024, eq. 5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadfast.architectures import Writer
from steadfast.directions import Direction, unit_rows
from steadfast.edits import Block, subtract_product
from steadfast.edits._selection import DEFAULT_TARGETS, Selection, build_selection, check_scale


@dataclass(frozen=True)
class Orthogonalize:
    """Removes a share ``scale`` of what each selected matrix writes along the directions."""

    selection: Selection
    scale: float

    def selects(self, writer: Writer, depth: int) -> bool:
        """Whether a tensor is to be edited."""
        return self.selection.selects(writer, depth)

    def basis(self, direction: Direction, layer: int | None) -> NDArray[np.float64]:
        """The directions themselves, at every block."""
        return unit_rows(direction.directions)

    def asked_share(self, writer: Writer, depth: int) -> float:
        """1 − s."""
        return 1 - self.scale

    def update(self, writer: Writer, depth: int, basis: NDArray[np.float64], inputs: int) -> "OrthogonalizeUpdate":
        """A fresh update for one matrix."""
        return OrthogonalizeUpdate(basis, self.scale, np.zeros((len(basis), inputs)))


@dataclass(frozen=True)
class OrthogonalizeUpdate:
    """The update of one matrix.

    Attributes:
        basis: float64 [k, outputs], orthonormal rows.
        scale: share that is removed.
        projection: float64 [k, inputs]; RᵀW, summed up from the observed blocks.
    """

    basis: NDArray[np.float64]
    scale: float
    projection: NDArray[np.float64]

    def observe(self, block: Block, outputs: slice, inputs: slice) -> None:
        """Add the block's part of RᵀW."""
        self.projection[:, inputs] += self.basis[:, outputs].astype(block.dtype) @ block

    def change(self, block: Block, outputs: slice, inputs: slice) -> None:
        """Subtract s·R(RᵀW)."""
        subtract_product(block, self.scale * self.basis[:, outputs].T, self.projection[:, inputs])


def build(
    targets: Sequence[str] = DEFAULT_TARGETS,
    scale: float = 1.0,
    skip_first: int = 0,
    layers: Sequence[int] | None = None,
) -> Orthogonalize:
    """Build the edit.

    Args:
        targets: any of ``attention_output``, ``mlp_output``, ``embedding``.
        scale: 1 removes the direction, less weakens it, more reverses it.
        skip_first: number of first blocks that are left alone.
        layers: first and last block that are edited; all by default.
    """
    return Orthogonalize(build_selection(targets, skip_first, layers), check_scale(scale))
