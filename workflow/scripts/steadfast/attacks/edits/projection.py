"""Edits that remove directions from what matrices write: W ← (W − s·Rᵀ(RW))·diag(g).

The rows of R [k, hidden] are orthonormal: the directions themselves, or their components orthogonal to the mean of the
harmless prompts; g is 1, or restores the norms of W's columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steadfast.attacks.directions import BLOCK_DIRECTIONS, Direction, unit_rows
from steadfast.attacks.edits import Block, Site
from steadfast.attacks.edits.scales import ScaleProfile, build_profile
from steadfast.attacks.edits.settings import ProjectionSettings
from steadfast.attacks.edits.targets import TargetSelection, build_selection
from steadfast.core.errors import ConfigError, DataError
from steadfast.models.architectures import Writer
from steadfast.models.checkpoint_files.low_rank import LowRankUpdate

Harmless = Literal["kept", "own_layer", "each_layer"]


@dataclass(frozen=True)
class ProjectionEdit:
    """Removes a share of the outputs of each selected matrix along the directions.

    Attributes:
        selection: the selected matrices.
        profile: the scale of the edit per block.
        preserve_norm: whether each column of a matrix keeps its norm.
        harmless: whether the directions are first made orthogonal to the mean of the harmless prompts: not
            (``kept``), at the layer they come from, or also at each layer that is edited.
    """

    selection: TargetSelection
    profile: ScaleProfile
    preserve_norm: bool = False
    harmless: Harmless = "kept"

    def selects(self, writer: Writer, depth: int) -> bool:
        """Whether a tensor is edited: it is targeted, and the kernel is not 0 at its block."""
        return self.profile.reaches(writer, depth) and self.selection.selects(writer, depth)

    def update(self, site: Site, direction: Direction) -> "ProjectionUpdate":
        """A new update for one matrix.

        Raises:
            DataError: the direction file lacks the class means that the edit needs.
        """
        basis = self.basis(direction, site.writer.layer)
        if site.gain is not None:
            basis = through_norm(basis, site.gain)
        share = self.profile.at(site.writer, site.depth)
        return ProjectionUpdate(basis, share, self.preserve_norm, site.inputs)

    def basis(self, direction: Direction, layer: int | None) -> NDArray[np.float64]:
        """Orthonormal rows [k, hidden] that are removed at a block (None: from the embedding)."""
        own = direction.tensors.get(BLOCK_DIRECTIONS) if layer is not None else None
        rows = unit_rows(direction.directions if own is None else own[layer])
        if self.harmless == "kept":
            return rows
        if own is not None:
            return unit_rows(without(rows, [_mean(direction, "harmless_means")[layer]]))
        means = [_mean(direction, "harmless_mean")]
        if self.harmless == "each_layer" and layer is not None:
            means.append(_mean(direction, "harmless_means")[layer])
        return unit_rows(without(rows, means))

    def rescaled(self, factor: float) -> "ProjectionEdit":
        """The same edit with its scale multiplied by ``factor``."""
        if self.preserve_norm:
            raise ConfigError("an edit that preserves norms cannot be scaled to a given change of the weights")
        return replace(self, profile=replace(self.profile, scale=self.profile.scale * factor))


class ProjectionUpdate:
    """The update of one matrix."""

    def __init__(self, basis: NDArray[np.float64], share: float, preserve_norm: bool, inputs: int) -> None:
        """Prepare for one matrix.

        Args:
            basis: float64 [k, outputs], orthonormal rows.
            share: share of RW that is removed.
            preserve_norm: whether columns keep their norms.
            inputs: number of columns.
        """
        self.basis = basis
        self.share = share
        self.preserve_norm = preserve_norm
        self._projection = np.zeros((len(basis), inputs))
        self._column_squares = np.zeros(inputs)
        self._level_squares = 0.0
        self._gain: NDArray[np.float64] | None = None

    def observe(self, block: Block, outputs: slice, inputs: slice) -> None:
        """Add the block's part of RW, of the columns' squared lengths and of the noise's scale."""
        # in float64: where the update cancels an entry, only the error of RW would remain
        self._projection[:, inputs] += self.basis[:, outputs] @ block.astype(np.float64)
        weights = (self.basis[:, outputs] ** 2).sum(axis=0)
        self._level_squares += float((weights.astype(block.dtype) @ (block * block)).sum(dtype=np.float64))
        if self.preserve_norm:
            self._column_squares[inputs] += np.einsum("oi,oi->i", block, block, dtype=np.float64)

    def factors(self) -> LowRankUpdate:
        """Minus s·Rᵀ(RW), with rescaled columns if norms are preserved."""
        return LowRankUpdate(
            self.share * self.basis.T, self._projection, self._column_gain() if self.preserve_norm else None
        )

    def before(self) -> NDArray[np.float64]:
        """RW."""
        return self._projection

    def target(self) -> NDArray[np.float64]:
        """(1 − s)·RW·diag(g)."""
        return (1 - self.share) * self._projection * self._column_gain()

    def new_projection(self) -> NDArray[np.float64]:
        """Zeros [k, inputs]."""
        return np.zeros_like(self._projection)

    def project(self, block: Block, outputs: slice, inputs: slice, into: NDArray[np.float64]) -> None:
        """Add the block's part of RW."""
        into[:, inputs] += self.basis[:, outputs].astype(block.dtype) @ block

    def level(self) -> float:
        """Root of the sum of R²W²."""
        return float(np.sqrt(self._level_squares))

    def _column_gain(self) -> NDArray[np.float64]:
        """Factors [inputs] that restore the norms of the columns.

        For orthonormal rows of R the squared length of an edited column is ‖w‖² − (2s − s²)‖Rw‖². A column that keeps
        less than a thousandth lies in the span of R up to rounding, and has no component to rescale.
        """
        if self._gain is None:
            if not self.preserve_norm:
                return np.ones(1)
            old = self._column_squares
            removed = (2 * self.share - self.share**2) * (self._projection**2).sum(axis=0)
            new = np.maximum(old - removed, 0)
            empty = new <= 1e-6 * old
            self._gain = np.where(empty, 1.0, np.sqrt(old / np.where(empty, 1.0, new)))
        return self._gain


def build_projection(
    settings: ProjectionSettings, *, preserve_norm: bool = False, harmless: Harmless = "kept"
) -> ProjectionEdit:
    """An edit of this family.

    Raises:
        ConfigError: a value is not allowed.
    """
    selection = build_selection(settings)
    profile = build_profile(settings.scale, settings.kernel, settings.kernels)
    return ProjectionEdit(selection, profile, preserve_norm, harmless)


def without(rows: NDArray[np.float64], vectors: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """``rows`` [k, hidden] without their components in the span of ``vectors`` [hidden]."""
    if not vectors:
        return rows
    units = np.stack([vector / np.linalg.norm(vector) for vector in vectors])
    _, sizes, axes = np.linalg.svd(units, full_matrices=False)
    # the means of two layers may nearly coincide; their difference is then noise
    span: NDArray[np.float64] = axes[sizes > 1e-5 * sizes[0]]
    left: NDArray[np.float64] = rows - (rows @ span.T) @ span
    return left - (left @ span.T) @ span


def through_norm(basis: NDArray[np.float64], gain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions to remove before a norm, so that nothing is written along ``basis`` after it.

    A root-mean-square norm writes g∘y/rms(y); its projection on r is (g∘r)ᵀy/rms(y), which vanishes for every
    y if and only if the module before it writes nothing along g∘r.
    """
    return unit_rows(basis * gain)


def _mean(direction: Direction, name: str) -> NDArray[np.float64]:
    if name not in direction.tensors:
        raise DataError(
            f"the direction file lacks {name!r}; a direction of method {direction.method!r} has no class means"
        )
    return direction.tensors[name].astype(np.float64)
