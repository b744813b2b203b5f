"""Edits tried on a model in memory: the weights change in place, and go back to the bit.

What is computed is W′ = (W − s·Rᵀ(RW))·diag(g), as in baking, in float32 and rounded to the format in which the model
runs: the trials of a search only rank edits. The weights that are measured in the end are baked from the chosen one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from steadfast.attacks.baking.edit_plan import site_of
from steadfast.attacks.directions import Direction
from steadfast.attacks.edits import Site
from steadfast.attacks.edits.projection import ProjectionEdit, through_norm
from steadfast.core.errors import DataError
from steadfast.models.architectures import anatomy
from steadfast.models.pointer import weights_path
from steadfast.models.updating import parameter_of
from steadfast.models.weights import open_checkpoint

NOTHING_LEFT = 1e-6
"""Share of a column's squared length below which nothing of it is left that could be stretched."""


class TrialWeights:
    """The matrices of a loaded model that a search edits, with their numbers as they were."""

    def __init__(self, model: PreTrainedModel, model_dir: str | Path, targets: list[str]) -> None:
        """Keep a copy of what may be changed.

        Args:
            model: loaded from ``model_dir``.
            model_dir: a model directory of the workflow, or a plain checkpoint directory.
            targets: groups of modules that may be edited.

        Raises:
            DataError: the architecture is unknown, or its matrices are not those of single modules in memory.
        """
        checkpoint = open_checkpoint(weights_path(model_dir))
        entries = checkpoint.entries
        stream = anatomy(checkpoint.config, entries)
        chosen = [writer for writer in stream.writers if writer.target in targets]
        expert = next((writer.name for writer in chosen if writer.expert), None)
        if expert is not None:
            raise DataError(f"{expert} is one of several experts, which a search cannot edit in memory")
        self.depth = stream.depth
        self._sites = [site_of(checkpoint, stream, writer, entries) for writer in chosen]
        self._parameters = {site.writer.name: parameter_of(model, site.writer.name) for site in self._sites}
        self._kept = {name: parameter.data.clone() for name, parameter in self._parameters.items()}
        self._changed: set[str] = set()

    @contextmanager
    def edited(self, edit: ProjectionEdit, direction: Direction) -> Iterator[None]:
        """Within the context the model has the edited weights; afterwards its own, to the bit."""
        try:
            with torch.inference_mode():
                for site in self._sites:
                    if edit.selects(site.writer, self.depth):
                        self._edit(site, edit, direction)
            yield
        finally:
            for name in self._changed:
                self._parameters[name].data.copy_(self._kept[name])
            self._changed.clear()

    def _edit(self, site: Site, edit: ProjectionEdit, direction: Direction) -> None:
        name, layer = site.writer.name, site.writer.layer
        basis = edit.basis(direction, layer)
        if site.gain is not None:
            basis = through_norm(basis, site.gain)
        kept = self._kept[name]
        rows = torch.from_numpy(basis).to(kept.device, torch.float32)
        share = edit.profile.at(site.writer, site.depth)
        if kept.ndim == 1:
            matrix = kept[:, None]
        else:
            matrix = kept if site.writer.axis == 0 else kept.T
        changed = edited_matrix(matrix.float(), rows, share, edit.preserve_norm)
        self._changed.add(name)
        turned = changed if site.writer.axis == 0 or kept.ndim == 1 else changed.T
        self._parameters[name].data.copy_(turned.reshape(kept.shape))


def edited_matrix(matrix: Tensor, rows: Tensor, share: float, preserve_norm: bool) -> Tensor:
    """W′ of a matrix W.

    Args:
        matrix: W, float32 [outputs, inputs].
        rows: R, float32 [k, outputs] with orthonormal rows.
        share: s.
        preserve_norm: whether the columns get their lengths back.
    """
    along = rows @ matrix
    changed = torch.addmm(matrix, rows.T, along, alpha=-share)
    if preserve_norm:
        squares = (matrix**2).sum(dim=0)
        left = (squares - (2 * share - share**2) * (along**2).sum(dim=0)).clamp(min=0)
        empty = left <= NOTHING_LEFT * squares
        changed *= torch.where(empty, 1.0, (squares / torch.where(empty, 1.0, left)).sqrt())
    return changed
