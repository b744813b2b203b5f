"""Low-rank updates of a loaded model, applied and reverted exactly."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from steadfast.core.errors import DataError
from steadfast.models.checkpoint_files.stored_updates import TensorUpdate, updated_tensor
from steadfast.models.weights import Checkpoint

FORMATS = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32, "F64": torch.float64}


@contextmanager
def updated(model: PreTrainedModel, checkpoint: Checkpoint, updates: Mapping[str, TensorUpdate]) -> Iterator[None]:
    """Context in which a model has the weights of the updated checkpoint; they are restored exactly afterwards.

    Args:
        model: loaded from ``checkpoint``.
        checkpoint: the original's files: updates are computed from the numbers as they are stored, and rounded to the
            format in which the model runs afterwards, so that the weights are those of an updated checkpoint that is
            loaded.
        updates: the updates, by the names of stored tensors.

    Raises:
        DataError: a tensor is not a parameter of the model under its stored name, or the weights are not those that the
            update was made for.
    """
    parameters = {name: parameter_of(model, name) for name in updates}
    kept = {name: parameter.data.clone() for name, parameter in parameters.items()}
    head = _tied_head(model, parameters)
    shared = getattr(head, "weight", None)
    try:
        apply_updates(model, checkpoint, updates)
        yield
    finally:
        for name, parameter in parameters.items():
            parameter.data.copy_(kept[name])
        if head is not None:
            head.weight = shared


def apply_updates(model: PreTrainedModel, checkpoint: Checkpoint, updates: Mapping[str, TensorUpdate]) -> None:
    """Give a model the weights of the updated checkpoint for good; see ``updated``.

    A head tied to an updated embedding gets a copy of the original weights.
    """
    parameters = {name: parameter_of(model, name) for name in updates}
    head = _tied_head(model, parameters)
    if head is not None:
        head.weight = nn.Parameter(head.weight.data.clone(), requires_grad=False)
    for name, update in updates.items():
        stored = updated_tensor(checkpoint, name, update)
        parameters[name].data.copy_(as_tensor(stored, checkpoint.entries[name].dtype))


def untie_head(model: PreTrainedModel) -> None:
    """Give a tied head a copy of its current weights."""
    head: Any = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    embedding: Any = model.get_input_embeddings()
    if head is not None and getattr(head, "weight", None) is embedding.weight:
        head.weight = nn.Parameter(head.weight.data.clone(), requires_grad=False)


def as_tensor(stored: NDArray[Any], dtype: str) -> Tensor:
    """Raw storage as a tensor of its format."""
    plain = torch.from_numpy(stored.view("<i2") if dtype == "BF16" else stored)
    return plain.view(FORMATS[dtype])


def parameter_of(model: PreTrainedModel, name: str) -> nn.Parameter:
    """A parameter by the name of its stored tensor.

    Raises:
        DataError: the model has it under another name.
    """
    try:
        found = model.get_parameter(name)
    except AttributeError as error:
        raise DataError(
            f"{type(model).__name__} has no parameter {name}: transformers stores it under another name, so that the "
            "edit cannot be applied to the loaded model; set `runtime: {checkpoints: bake}`"
        ) from error
    return found


def _tied_head(model: PreTrainedModel, parameters: Mapping[str, nn.Parameter]) -> Any:
    """The head, if it shares a parameter that is updated."""
    head: Any = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    weight = getattr(head, "weight", None)
    return head if any(parameter is weight for parameter in parameters.values()) else None
