"""The modules of a loaded model whose outputs enter the residual stream, and hooks on them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from steadfast.attacks.activations.extraction import decoder_blocks
from steadfast.core.errors import DataError
from steadfast.models.architectures import Writer, layout_of
from steadfast.models.classes import decoder_of


@dataclass(frozen=True)
class OutputModule:
    """A module that writes to the residual stream.

    Attributes:
        writer: its location, as used by edits to select tensors.
        module: the module; it writes its output, or the first of its outputs.
        gain: weight of a norm between it and the residual stream [hidden], or None.
        beside: whether its block has another module of the same kind.
    """

    writer: Writer
    module: nn.Module
    gain: Tensor | None
    beside: bool = False


def output_modules(model: PreTrainedModel) -> list[OutputModule]:
    """The embeddings, and the attention and feed-forward modules of every block.

    A mixture of experts is one module: its output is linear in the outputs of its experts.

    Raises:
        DataError: the architecture is unknown, or a block lacks the module.
    """
    layout = layout_of(model.config.to_dict())
    decoder = decoder_of(model)
    embeddings = [name.removesuffix(".weight") for name in layout.embeddings]
    found = [OutputModule(Writer(name, "embedding", None, 1), decoder.get_submodule(name), None) for name in embeddings]
    for layer, block in enumerate(decoder_blocks(model)):
        groups = (
            ("attention_output", layout.attention_modules, layout.attention),
            ("mlp_output", layout.mlp_modules, layout.mlp),
        )
        for target, names, alternatives in groups:
            name = next((name for name in names if getattr(block, name, None) is not None), None)
            if name is None:
                raise DataError(f"block {layer} of {type(model).__name__} has none of the modules {', '.join(names)}")
            writer = Writer(f"{layer}.{name}", target, layer, 0)  # type: ignore[arg-type]
            gain = _gain(block, alternatives[0][0].norm, layout.norm_offset)
            found.append(OutputModule(writer, getattr(block, name), gain))
        for name, norm in layout.further_modules:
            if getattr(block, name, None) is not None:
                writer = Writer(f"{layer}.{name}", "mlp_output", layer, 0)
                gain = _gain(block, norm, layout.norm_offset)
                found.append(OutputModule(writer, getattr(block, name), gain, beside=True))
    return found


@contextmanager
def changed_outputs(changes: list[tuple[nn.Module, Callable[[Tensor], Tensor]]]) -> Iterator[None]:
    """Context in which the output (or first output) of each module passes through its function."""
    with ExitStack() as stack:
        for module, change in changes:
            handle = module.register_forward_hook(_hook(change))
            stack.callback(handle.remove)
        yield


def project_out(rows: Tensor, share: float) -> Callable[[Tensor], Tensor]:
    """A function that removes a share of the components along orthonormal ``rows`` [k, hidden], in float32."""

    def change(state: Tensor) -> Tensor:
        basis = rows.to(device=state.device, dtype=torch.float32)
        wide = state.float()
        return (wide - share * (wide @ basis.T) @ basis).to(state.dtype)

    return change


def add(vector: Tensor) -> Callable[[Tensor], Tensor]:
    """A function that adds a vector [hidden] at every token, in float32."""

    def change(state: Tensor) -> Tensor:
        return (state.float() + vector.to(device=state.device, dtype=torch.float32)).to(state.dtype)

    return change


def _hook(change: Callable[[Tensor], Tensor]) -> Callable[[nn.Module, Any, Any], Any]:
    def hook(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        if isinstance(output, tuple):
            return (change(output[0]), *output[1:])
        return change(output)

    return hook


def _gain(block: nn.Module, norm: str, offset: float) -> Tensor | None:
    if not norm:
        return None
    weight: Any = block.get_submodule(norm.removesuffix(".weight")).weight
    gain: Tensor = weight.detach().double().cpu() + offset
    return gain
