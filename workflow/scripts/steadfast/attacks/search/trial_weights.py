"""Edits of a model in memory: the weights change in place, and are restored exactly.

W′ = (W − s·Rᵀ(RW))·diag(g) is computed in float32, as in baking, and rounded to the format in which the model runs.
Trials only rank edits; the selected edit is baked before it is measured.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from steadfast.attacks.baking.edit_plan import site_of
from steadfast.attacks.directions import Direction
from steadfast.attacks.edits import Edit, Site
from steadfast.attacks.edits.projection import ProjectionEdit, through_norm
from steadfast.core.errors import DataError
from steadfast.models.architectures import Writer, anatomy
from steadfast.models.pointer import weights_path
from steadfast.models.updating import parameter_of, untie_head
from steadfast.models.weights import open_checkpoint

EMBEDDING = "embedding"
STACKED = 3
"""Number of axes of a tensor that holds the matrices of all experts."""
EXPERT = re.compile(r"(?P<block>.*\.layers\.\d+\.).*experts\.(?P<expert>\d+)\.(down_proj|w2)\.weight")
"""The stored matrix of one expert."""
EXPERT_MODULES = ("mlp.experts.down_proj", "feed_forward.experts.down_proj", "block_sparse_moe.experts.down_proj")
"""Parameters of transformers that hold the matrices of all experts of a block, [experts, hidden, intermediate]."""
NOTHING_LEFT = 1e-6
"""Share of a column's squared norm below which the column counts as removed and is not rescaled."""


@dataclass(frozen=True)
class Place:
    """Where a stored tensor is in the loaded model.

    Attributes:
        parameter: name of the parameter.
        expert: index of the expert along the parameter's first axis, if the model stores all experts in one parameter;
            otherwise None.
    """

    parameter: str
    expert: int | None = None


class TrialWeights:
    """The matrices of a loaded model that a search edits, with copies of their original values."""

    def __init__(self, model: PreTrainedModel, model_dir: str | Path, targets: list[str]) -> None:
        """Copy the weights that may be changed.

        As in baking, if the embedding may be changed, a tied head gets a copy of the original weights.

        Args:
            model: loaded from ``model_dir``.
            model_dir: a model directory of the workflow, or a plain checkpoint directory.
            targets: groups of modules that may be edited.

        Raises:
            DataError: the architecture is unknown, or a tensor is in memory under an unknown name.
        """
        checkpoint = open_checkpoint(weights_path(model_dir))
        entries = checkpoint.entries
        stream = anatomy(checkpoint.config, entries)
        chosen = [writer for writer in stream.writers if writer.target in targets]
        self.depth = stream.depth
        self._sites = [site_of(checkpoint, stream, writer, entries) for writer in chosen]
        self._places = {site.writer.name: place_of(model, site.writer) for site in self._sites}
        if any(site.writer.target == EMBEDDING for site in self._sites):
            untie_head(model)
        names = {place.parameter for place in self._places.values()}
        self._parameters = {name: parameter_of(model, name) for name in names}
        self._kept = {name: parameter.data.clone() for name, parameter in self._parameters.items()}
        self._changed: set[str] = set()

    @contextmanager
    def edited(self, edit: Edit, direction: Direction) -> Iterator[None]:
        """Context in which the model has the edited weights; they are restored exactly afterwards."""
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

    def _edit(self, site: Site, edit: Edit, direction: Direction) -> None:
        writer, place = site.writer, self._places[site.writer.name]
        kept, into = self._kept[place.parameter], self._parameters[place.parameter].data
        if place.expert is not None:
            kept, into = kept[place.expert], into[place.expert]
        self._changed.add(place.parameter)
        change = _change(site, edit, direction, kept.device)
        if kept.ndim == 1:
            into.copy_(change(kept[:, None].float())[:, 0])
            return
        # a tensor of all experts holds one matrix per expert
        stacked = kept.ndim == STACKED
        axis = writer.axis - stacked
        for matrix, new in zip(kept, into, strict=True) if stacked else [(kept, into)]:
            changed = change((matrix if axis == 0 else matrix.T).float())
            new.copy_(changed if axis == 0 else changed.T)


def place_of(model: PreTrainedModel, writer: Writer) -> Place:
    """Location of a writer's tensor in the loaded model.

    Raises:
        DataError: the parameter has none of the known names.
    """
    names = dict(model.named_parameters())
    if writer.name in names:
        return Place(writer.name)
    found = EXPERT.fullmatch(writer.name)
    if found is not None:
        for name in (found["block"] + module for module in EXPERT_MODULES):
            if name in names:
                return Place(name, int(found["expert"]))
    raise DataError(
        f"{type(model).__name__} has no parameter {writer.name}: transformers stores it under another name, so that a "
        "search cannot edit it in memory"
    )


def _change(site: Site, edit: Edit, direction: Direction, device: torch.device) -> Callable[[Tensor], Tensor]:
    """A function that computes W′ from a matrix W [outputs, inputs] in float32."""
    if isinstance(edit, ProjectionEdit):
        basis = edit.basis(direction, site.writer.layer)
        if site.gain is not None:
            basis = through_norm(basis, site.gain)
        rows = torch.from_numpy(basis).to(device, torch.float32)
        share, preserve_norm = edit.profile.at(site.writer, site.depth), edit.preserve_norm
        return lambda matrix: edited_matrix(matrix, rows, share, preserve_norm)
    update = edit.update(site, direction)

    def change(matrix: Tensor) -> Tensor:
        outputs, inputs = (slice(0, size) for size in matrix.shape)
        update.observe(matrix.cpu().numpy(), outputs, inputs)
        factors = update.factors()
        left, right = (torch.from_numpy(part).to(matrix) for part in (factors.left, factors.right))
        changed = torch.addmm(matrix, left, right, alpha=-1)
        return changed if factors.gain is None else changed * torch.from_numpy(factors.gain).to(matrix)

    return change


def edited_matrix(matrix: Tensor, rows: Tensor, share: float, preserve_norm: bool) -> Tensor:
    """W′ of a matrix W.

    Args:
        matrix: W, float32 [outputs, inputs].
        rows: R, float32 [k, outputs] with orthonormal rows.
        share: s.
        preserve_norm: whether the columns keep their norms.
    """
    along = rows @ matrix
    changed = torch.addmm(matrix, rows.T, along, alpha=-share)
    if preserve_norm:
        squares = (matrix**2).sum(dim=0)
        left = (squares - (2 * share - share**2) * (along**2).sum(dim=0)).clamp(min=0)
        empty = left <= NOTHING_LEFT * squares
        changed *= torch.where(empty, 1.0, (squares / torch.where(empty, 1.0, left)).sqrt())
    return changed
