"""Effect of an edit of weights on the output of a module at run time, from the original's weights.

The forms share no code with baking, which streams tensors of files through NumPy: here a loaded module is run by
transformers, and the change by the edit is added to its output. An edit without a run-time form cannot be checked this
way; ``form_of.register`` adds the form of a new edit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

import torch
from torch import Tensor, nn

from steadfast.attacks.directions import Direction
from steadfast.attacks.edits import Edit
from steadfast.attacks.edits.methods.rank_one import RankOne
from steadfast.attacks.edits.projection import ProjectionEdit, through_norm
from steadfast.attacks.interventions.writers import WritingModule, weight_of

NOTHING_LEFT = 1e-6
"""Share of a column's squared norm below which the column counts as removed and is not rescaled."""
ROWS_AT_ONCE = 256

Addition = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class EditedOutput:
    """The edited output y′ = (I − s·RᵀR)(y + a(x, y)) of a module with input x and output y.

    Attributes:
        addition: a, returns float64 [..., hidden]; None adds nothing.
        rows: R, float64 [k, hidden] with orthonormal rows; None removes nothing.
        share: s.
    """

    addition: Addition | None = None
    rows: Tensor | None = None
    share: float = 0.0

    def edited(self, output: Tensor, added: Tensor | None) -> Tensor:
        """The edited output, float64.

        Args:
            output: output of the original module, [..., hidden].
            added: result of ``addition``, or None.
        """
        wide = output.double() if added is None else output.double() + added.double()
        if self.rows is None:
            return wide
        rows = self.rows.to(wide.device)
        return wide - self.share * (wide @ rows.T) @ rows


@singledispatch
def form_of(edit: Edit, site: WritingModule, direction: Direction) -> EditedOutput | None:
    """The run-time form of an edit at one of its modules, or None."""
    del edit, site, direction
    return None


@form_of.register
def _of_projection(edit: ProjectionEdit, site: WritingModule, direction: Direction) -> EditedOutput | None:
    basis = edit.basis(direction, site.writer.layer)
    if site.gain is not None:
        basis = through_norm(basis, site.gain.numpy())
    rows, share = torch.from_numpy(basis), edit.profile.at(site.writer, site.depth)
    if not edit.preserve_norm:
        return EditedOutput(None, rows, share)
    addition = _stretched(site.module, rows, share)
    return None if addition is None else EditedOutput(addition, rows, share)


@form_of.register
def _of_rank_one(edit: RankOne, site: WritingModule, direction: Direction) -> EditedOutput | None:
    if weight_of(site.module) is None:
        return None
    key, solved = (torch.from_numpy(direction.tensors[name]).double() for name in ("key", "key_solved"))
    harmful, harmless = (
        torch.from_numpy(direction.tensors[f"{name}_means"][site.writer.layer]).double()
        for name in ("harmful", "harmless")
    )
    row, shift = solved / (key @ solved), edit.scale * (harmless - harmful)

    def addition(inputs: Tensor, output: Tensor) -> Tensor:
        return (inputs.double() @ row.to(inputs.device))[..., None] * shift.to(output.device)

    return EditedOutput(addition)


def _stretched(module: nn.Module | None, rows: Tensor, share: float) -> Addition | None:
    """Output added by the column factors g of a norm-preserving edit, before the projection: W((g − 1)∘x).

    The bias is a separate column. Only the small difference from 1 passes through the module, so that 16-bit rounding
    has little effect. A row of an embedding corresponds to a column.
    """
    if isinstance(module, nn.Embedding):
        return lambda _, output: _stretch_rows(output.double(), rows, share)
    weight = weight_of(module)
    if module is None or weight is None:
        return None
    excess = _gains(weight, rows, share) - 1
    found = getattr(module, "bias", None)
    bias = None if found is None else found.detach().double()
    bias_gain = None if bias is None else _gains(bias[:, None], rows, share)

    def addition(inputs: Tensor, _: Tensor) -> Tensor:
        stretched: Tensor = module.forward((inputs.double() * excess).to(inputs.dtype)).double()
        return stretched if bias is None or bias_gain is None else stretched + (bias_gain - 2) * bias

    return addition


def _stretch_rows(output: Tensor, rows: Tensor, share: float) -> Tensor:
    """(g − 1)·y for every row y of an embedding."""
    excess = _gains(output.reshape(-1, output.shape[-1]).T, rows, share) - 1
    return excess.reshape(*output.shape[:-1], 1) * output


def _gains(weight: Tensor, rows: Tensor, share: float) -> Tensor:
    """Factors [inputs] that restore the column norms of an edited matrix [outputs, inputs]."""
    basis = rows.to(weight.device)
    squares = torch.zeros(weight.shape[1], dtype=torch.float64, device=weight.device)
    along = torch.zeros(len(rows), weight.shape[1], dtype=torch.float64, device=weight.device)
    for start in range(0, len(weight), ROWS_AT_ONCE):
        block = weight[start : start + ROWS_AT_ONCE].double()
        squares += (block**2).sum(dim=0)
        along += basis[:, start : start + ROWS_AT_ONCE] @ block
    left = (squares - (2 * share - share**2) * (along**2).sum(dim=0)).clamp(min=0)
    empty = left <= NOTHING_LEFT * squares
    return torch.where(empty, 1.0, (squares / torch.where(empty, 1.0, left)).sqrt())
