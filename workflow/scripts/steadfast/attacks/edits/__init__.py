"""Edits of weights: the one interface of all methods.

A method is a module of ``methods`` with ``build(settings) -> Edit``. An edit processes matrices in blocks, twice, so
that a checkpoint of any size is edited in little memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from steadfast.attacks.directions import Direction, build_from
from steadfast.core.plug_ins import EDITS
from steadfast.models.architectures import Writer
from steadfast.models.checkpoint_files.low_rank import LowRankUpdate

Block = NDArray[np.floating[Any]]  # float32 or float64


@dataclass(frozen=True)
class Site:
    """Location of a matrix in the model.

    Attributes:
        writer: the tensor that holds it.
        depth: number of blocks of the model.
        outputs: its width along the residual stream.
        inputs: number of its input features; 1 for a bias.
        gain: float64 [outputs], weight of a norm between the matrix and the residual stream, or None.
    """

    writer: Writer
    depth: int
    outputs: int
    inputs: int
    gain: NDArray[np.float64] | None = None


class MatrixUpdate(Protocol):
    """The update of one matrix W [outputs, inputs], whose outputs lie along the residual stream.

    Blocks are views of W: all of one axis and a slice of the other. All blocks are observed before the first one is
    changed. A *projection* is a small array, linear in W, that is used to check the edit: RW for an edit of directions.
    """

    def observe(self, block: Block, outputs: slice, inputs: slice) -> None:
        """Observe a block of W."""
        ...

    def factors(self) -> LowRankUpdate:
        """Factors of W′; all of W must have been observed."""
        ...

    def before(self) -> NDArray[np.float64]:
        """The projection of W; all of W must have been observed."""
        ...

    def target(self) -> NDArray[np.float64]:
        """The projection of W′ in exact arithmetic."""
        ...

    def new_projection(self) -> NDArray[np.float64]:
        """An empty projection of W′, to which ``project`` adds block by block."""
        ...

    def project(self, block: Block, outputs: slice, inputs: slice, into: NDArray[np.float64]) -> None:
        """Add a block's part of the projection."""
        ...

    def level(self) -> float:
        """Norm that the projection would have if the entries of W had random signs: its noise level."""
        ...


class Edit(Protocol):
    """A change of the weights that write to the residual stream."""

    def selects(self, writer: Writer, depth: int) -> bool:
        """Whether a tensor is to be edited in a model of ``depth`` blocks."""
        ...

    def update(self, site: Site, direction: Direction) -> MatrixUpdate:
        """A new update for one matrix.

        Raises:
            ConfigError, DataError: the edit does not fit the matrix or the direction.
        """
        ...

    def rescaled(self, factor: float) -> "Edit":
        """The same edit with its change of the weights multiplied by ``factor``.

        Raises:
            ConfigError: no setting scales the change proportionally.
        """
        ...


def build_edit(settings: Mapping[str, Any]) -> Edit:
    """Build the edit that an ``edit`` entry describes: ``method`` and that method's own keys.

    Raises:
        ConfigError: the method or a key is unknown, or a value is not allowed.
    """
    return build_from(EDITS, settings)  # type: ignore[no-any-return]


def check_settings(settings: Mapping[str, Any]) -> None:
    """Validate an ``edit`` entry without a model.

    Raises:
        ConfigError: the method or a key is unknown, or a value is not allowed.
    """
    build_edit(settings)
