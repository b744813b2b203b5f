"""The checks of a baked edit: comparison of the edited checkpoint with the original with hooks.

Baking edits files; the checks run loaded models. Two things must hold, in any stored and run format:

* **by module** (``module_agreement``): on the same inputs every edited module applies the edit to its output. Errors do
not accumulate over the depth, so a single missed module is visible in any format.
* **as a whole** (``hook_agreement``): the edited checkpoint matches the original with hooks on the edited modules. This
detects what no edited module shows: a changed tensor that should not have been edited, a head that lost its weights.

Neither has a constant tolerance. The edited weights are rounded once more (``models.checkpoint_files.rounding``), and
the effect on the compared outputs is the unit of the bounds. docs/method.md derives them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from steadfast.attacks.activations.extraction import batches, run_decoder
from steadfast.attacks.directions import Direction
from steadfast.attacks.edits import Edit, build_edit
from steadfast.attacks.interventions.edited_outputs import Addition, form_of
from steadfast.attacks.interventions.modules import changed_outputs, project_out
from steadfast.attacks.interventions.writers import WritingModule, edited_modules
from steadfast.models.architectures import anatomy
from steadfast.models.checkpoint_files.rounding import STORED, coarsest, rounded_again
from steadfast.models.classes import decoder_of
from steadfast.models.pointer import checkpoint_path
from steadfast.models.weights import open_checkpoint

ROUNDINGS = 3.0
"""Bound on the distance between a correct edit and the hooked original, in roundings; about one is usual."""
SHARE_OF_EFFECT = 0.05
"""A distance below this share of the edit's effect passes, even if rounding does not explain it."""
STANDARD_ERRORS = 8.0
"""Bound on the deviation of a module's applied share from 1, in standard errors of rounding."""
MATERIAL_SHARE = 0.02
"""A smaller deviation of a module passes, even if rounding does not explain it."""
LARGEST_BOUND = 0.25
"""Modules with a larger bound are excluded: they change too little to distinguish an edit from no edit."""

ROUNDINGS_DRAWN = 2


@dataclass(frozen=True)
class Recording:
    """The inputs and outputs of a module, at the last token of each prompt, on the CPU.

    Attributes:
        inputs: [prompts, inputs], or token ids [prompts] of an embedding.
        outputs: [prompts, hidden].
    """

    inputs: Tensor
    outputs: Tensor


@dataclass(frozen=True)
class Applied:
    """How much of the intended change a module applies.

    Attributes:
        share: 1 is as intended, 0 is no change.
        bound: largest deviation from 1 that rounding and negligible deviations explain.
    """

    share: float
    bound: float


def rebuilt_edit(settings: Mapping[str, Any], scale_factor: float = 1.0) -> Edit:
    """The edit that a checkpoint was baked with.

    Args:
        settings: the ``edit`` entry.
        scale_factor: factor by which baking multiplied its scale.
    """
    edit = build_edit(settings)
    return edit if scale_factor == 1.0 else edit.rescaled(scale_factor)


def hooked(model: PreTrainedModel, edit: Edit, direction: Direction) -> AbstractContextManager[None] | None:
    """Context in which the original has hooks equivalent to the edit.

    The directions are removed from the output of the whole attention or feed-forward module, so that a writing module
    inside it that the edit missed becomes visible.

    Returns:
        None if the edit has no run-time form.
    """
    sites = edited_modules(model, edit)
    forms = [form_of(edit, site, direction) for site in sites]
    additions: list[tuple[nn.Module, Addition]] = []
    projections: list[tuple[nn.Module, Callable[[Tensor], Tensor]]] = []
    for site, form in zip(sites, forms, strict=True):
        if form is None or (form.addition is not None and site.module is None):
            return None
        if form.addition is not None and site.module is not None:
            additions.append((site.module, form.addition))
        if form.rows is not None:
            projections.append((site.whole, project_out(form.rows, form.share)))
    return _hooked(additions, projections)


def rounding_distance(
    model: PreTrainedModel, edit: Edit, stored: torch.dtype, answers: Callable[[], Tensor], found: Tensor, seed: int
) -> Tensor:
    """Distance caused by one more rounding of the edited weights, per prompt.

    Args:
        model: the edited model.
        edit: its edit.
        stored: the format of its files.
        answers: computes its log-probabilities [prompts, vocabulary].
        found: its log-probabilities without that rounding.
        seed: seed of the rounding.
    """
    weights = [weight for site in edited_modules(model, edit) for weight in site.weights]
    with rounded_again(weights, stored, seed):
        return distance(found, answers())


def distance(reference: Tensor, other: Tensor) -> Tensor:
    """√KL(reference ‖ other) per row, from log-probabilities; proportional to the size of a small perturbation."""
    return (reference.exp() * (reference - other)).sum(dim=-1).clamp(min=0).sqrt()


def record(
    model: PreTrainedModel,
    sites: Sequence[WritingModule],
    encoded: Sequence[Sequence[int]],
    batch_tokens: int,
    pad_token_id: int,
) -> list[Recording]:
    """Run prompts through a model and record inputs and outputs of some of its modules, in the order of the prompts."""
    rows: list[int] = []
    kept: list[list[tuple[Tensor, Tensor]]] = [[] for _ in sites]
    with torch.inference_mode(), ExitStack() as stack:
        size = 0

        def keep(index: int, inputs: Any, output: Any) -> None:
            kept[index].append((_last(inputs[0], size), _last(_first(output), size)))

        for index, site in enumerate(sites):
            if site.module is not None:
                hook = site.module.register_forward_hook(
                    lambda _module, inputs, output, index=index: keep(index, inputs, output)
                )
                stack.callback(hook.remove)
        for batch in batches(encoded, batch_tokens, pad_token_id):
            size = len(batch.rows)
            rows.extend(batch.rows)
            run_decoder(decoder_of(model), batch, model.device)
    order = torch.tensor(rows).argsort()
    return [
        Recording(*(torch.cat(parts)[order] for parts in zip(*pairs, strict=True)))
        if pairs
        else Recording(torch.empty(0), torch.empty(0))
        for pairs in kept
    ]


def target_outputs(edit: Edit, site: WritingModule, direction: Direction, recording: Recording) -> Tensor | None:
    """The target outputs [prompts, hidden] of a module under an edit; None if the edit has no run-time form."""
    form = form_of(edit, site, direction)
    if form is None or site.module is None:
        return None
    added = None
    if form.addition is not None:
        device = _device_of(site.module)
        with torch.inference_mode():
            added = form.addition(recording.inputs.to(device), recording.outputs.to(device)).cpu()
    return form.edited(recording.outputs, added).float()


def applied_shares(
    model: PreTrainedModel,
    edit: Edit,
    stored: torch.dtype,
    recordings: Mapping[str, Recording],
    target: Mapping[str, Tensor],
) -> dict[str, Applied]:
    """How much of the intended change every module of an edited model applies, by the module's name.

    Args:
        model: the edited model.
        edit: its edit.
        stored: the format of its files.
        recordings: of the original, by the name of the module.
        target: target outputs of the edit; modules without them are skipped.

    Returns:
        Modules whose change is large enough to be distinguished from no change.
    """
    found = {}
    for index, site in enumerate(edited_modules(model, edit)):
        if site.name not in target or site.module is None:
            continue
        recording = recordings[site.name]
        outputs = _replayed(site.module, recording)
        noise = torch.zeros_like(outputs)
        for draw in range(ROUNDINGS_DRAWN):
            with rounded_again(site.weights, stored, seed=ROUNDINGS_DRAWN * index + draw):
                noise += (_replayed(site.module, recording) - outputs) ** 2 / ROUNDINGS_DRAWN
        result = applied(recording.outputs.double(), target[site.name].double(), outputs, noise)
        if result is not None:
            found[site.name] = result
    return found


def applied(original: Tensor, target: Tensor, found: Tensor, noise: Tensor) -> Applied | None:
    """How much of the intended change of a module's outputs was applied.

    Args:
        original: outputs of the original, float64 [prompts, hidden].
        target: target outputs of the edit.
        found: outputs of the edited module.
        noise: mean squared effect of one more rounding on ``found``.

    Returns:
        None if the intended change is so small that rounding could hide it.
    """
    change = target - original
    size = float((change**2).sum())
    if size == 0:
        return None
    share = float(((found - original) * change).sum()) / size
    # errors of one output are correlated across prompts, which share the weights; those of two outputs are not
    error = float((noise.sum(dim=0) * (change**2).sum(dim=0)).sum().sqrt()) / size
    bound = max(STANDARD_ERRORS * error, MATERIAL_SHARE)
    return None if bound > LARGEST_BOUND else Applied(share, bound)


def stored_format(model_dir: str | Path, edit: Edit) -> torch.dtype:
    """The coarsest format of the edited tensors in a checkpoint's files."""
    checkpoint = open_checkpoint(checkpoint_path(model_dir))
    stream = anatomy(checkpoint.config, checkpoint.entries)
    names = [writer.name for writer in stream.writers if edit.selects(writer, stream.depth)]
    return coarsest([STORED[checkpoint.entries[name].dtype] for name in names])


@contextmanager
def _hooked(
    additions: Sequence[tuple[nn.Module, Addition]],
    projections: list[tuple[nn.Module, Callable[[Tensor], Tensor]]],
) -> Iterator[None]:
    with ExitStack() as stack:
        for module, addition in additions:
            stack.callback(module.register_forward_hook(_adding(addition)).remove)
        stack.enter_context(changed_outputs(projections))
        yield


def _adding(addition: Addition) -> Callable[[nn.Module, Any, Any], Any]:
    def hook(_module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return (output.double() + addition(inputs[0], output)).to(output.dtype)

    return hook


def _replayed(module: nn.Module, recording: Recording) -> Tensor:
    """Outputs of a module for recorded inputs, float64 [prompts, hidden] on the CPU."""
    with torch.inference_mode():
        output = _first(module(recording.inputs[:, None].to(_device_of(module))))
    return output.reshape(len(recording.inputs), -1).double().cpu()


def _device_of(module: nn.Module) -> torch.device:
    return next(module.parameters()).device


def _first(output: Any) -> Tensor:
    first: Tensor = output[0] if isinstance(output, tuple) else output
    return first


def _last(values: Tensor, batch: int) -> Tensor:
    """A copy of the values at the last token of each prompt [batch, size], or [batch] of token ids, on the CPU.

    A view would keep all tokens in memory, and would include what a block adds in place to a module's output.
    """
    if len(values) == 1 < batch:
        values = values.expand(batch, *values.shape[1:])  # positions, which are the same for all prompts
    if not values.is_floating_point():
        return values[:, -1].to("cpu", copy=True)
    return values.reshape(batch, -1, values.shape[-1])[:, -1].to("cpu", copy=True)
