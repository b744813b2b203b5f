"""Edits of weights: the one interface of all methods.

A method is a module of this package with ``build(**settings) -> Edit``. An edit never sees a whole tensor:
matrices come to it in blocks, twice, so that a checkpoint of any size is edited in little memory.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from steadfast.architectures import Writer
from steadfast.directions import Direction, build_from

PACKAGE = "steadfast.edits"

Block = NDArray[np.floating[Any]]  # float32 or float64


class MatrixUpdate(Protocol):
    """The update of one matrix W [outputs, inputs], whose outputs lie along the residual stream.

    Blocks are views of W: all of one axis and a slice of the other. Every block is observed before the
    first one is changed.
    """

    def observe(self, block: Block, outputs: slice, inputs: slice) -> None:
        """Take in a block of W."""
        ...

    def change(self, block: Block, outputs: slice, inputs: slice) -> None:
        """Turn a block of W into the same block of W′, in place."""
        ...


class Edit(Protocol):
    """A change of the weights that write to the residual stream."""

    def selects(self, writer: Writer, depth: int) -> bool:
        """Whether a tensor is to be edited in a model of ``depth`` blocks."""
        ...

    def basis(self, direction: Direction, layer: int | None) -> NDArray[np.float64]:
        """Orthonormal rows [k, hidden] that are edited at a block (None: the embedding)."""
        ...

    def asked_share(self, writer: Writer, depth: int) -> float:
        """What share of RᵀW the edit keeps in exact arithmetic, with its sign: 1 − s."""
        ...

    def update(self, writer: Writer, depth: int, basis: NDArray[np.float64], inputs: int) -> MatrixUpdate:
        """A fresh update for one matrix with that many inputs."""
        ...


def build_edit(settings: Mapping[str, Any]) -> Edit:
    """Build the edit that an ``edit`` stanza describes: ``method`` and that method's own keys.

    Raises:
        ConfigError: the method or a key is unknown, or a value is not allowed.
    """
    return build_from(PACKAGE, "edit", "method", settings)  # type: ignore[no-any-return]


def check_settings(settings: Mapping[str, Any]) -> None:
    """Validate an ``edit`` stanza without a model.

    Raises:
        ConfigError: the method or a key is unknown, or a value is not allowed.
    """
    build_edit(settings)


def subtract_product(block: Block, left: NDArray[np.float64], right: NDArray[np.float64]) -> None:
    """``block -= left @ right`` in the block's dtype and along its memory; left [outputs, k], right [k, inputs]."""
    first, second = left.astype(block.dtype), right.astype(block.dtype)
    if block.flags.c_contiguous:
        block -= first @ second
    else:
        block.T[...] -= second.T @ first.T
