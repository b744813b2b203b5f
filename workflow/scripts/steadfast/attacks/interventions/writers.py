"""The modules of a loaded model that an edit changes, at the smallest unit that can be run separately.

``hooks._modules`` names whole attention and feed-forward modules. Each contains one linear layer that writes to the
residual stream and holds the edited weights; its output depends only on its own input. Experts have no such layer, so
their whole feed-forward module is used instead.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from steadfast.attacks.activations.extraction import decoder_blocks
from steadfast.attacks.edits import Edit
from steadfast.attacks.interventions.modules import OutputModule, output_modules
from steadfast.models.architectures import Writer, layout_of
from steadfast.models.architectures._parts import WritingPart

WORDS = {"attention_output": "attention output", "mlp_output": "MLP output", "embedding": "embedding"}


@dataclass(frozen=True)
class WritingModule:
    """A module that holds edited weights.

    Attributes:
        writer: its location, as used by edits to select tensors.
        depth: number of blocks of the model.
        whole: the attention, feed-forward or embedding module that it belongs to.
        module: the module that can be run on recorded inputs; None if nothing can be run without the rest of the model.
        gain: weight of a norm between it and the residual stream, float64 [hidden], or None.
        weights: the parameters that hold the edited weights.
        beside: whether its block has another module of the same kind.
    """

    writer: Writer
    depth: int
    whole: nn.Module
    module: nn.Module | None
    gain: Tensor | None
    weights: tuple[nn.Parameter, ...]
    beside: bool = False

    @property
    def name(self) -> str:
        """Name of the module."""
        word = WORDS[self.writer.target]
        if self.writer.layer is None:
            return f"{word} ({self.writer.name})"
        of = f" of {self.writer.name.partition('.')[2]}" if self.beside else ""
        return f"block {self.writer.layer}, {word}{of}"


def edited_modules(model: PreTrainedModel, edit: Edit) -> list[WritingModule]:
    """The modules of a model that an edit changes, embeddings first.

    Raises:
        DataError: the architecture is unknown, or a block lacks a module.
    """
    blocks = decoder_blocks(model)
    layout = layout_of(model.config.to_dict())
    parts = {"attention_output": layout.attention, "mlp_output": layout.mlp}
    return [
        _writing(place, blocks, parts) for place in output_modules(model) if edit.selects(place.writer, len(blocks))
    ]


def weight_of(module: nn.Module | None) -> Tensor | None:
    """The weight [outputs, inputs] of a linear layer; None for any other module."""
    if isinstance(module, nn.Linear):
        return module.weight.detach()
    if isinstance(module, Conv1D):
        return module.weight.detach().T
    return None


def _writing(
    place: OutputModule, blocks: nn.ModuleList, parts: dict[str, tuple[tuple[WritingPart, ...], ...]]
) -> WritingModule:
    writer, whole = place.writer, place.module
    if writer.layer is None:
        return WritingModule(writer, len(blocks), whole, whole, place.gain, tuple(whole.parameters()))
    linear = _linear(blocks[writer.layer], parts[writer.target])
    # some blocks have another module next to the feed-forward one
    if linear is not None and any(module is linear for module in whole.modules()):
        weights = tuple(linear.parameters())
        return WritingModule(writer, len(blocks), whole, linear, place.gain, weights, place.beside)
    # attention cannot be run without masks and positions; experts can, from their inputs
    alone = whole if writer.target == "mlp_output" else None
    return WritingModule(writer, len(blocks), whole, alone, place.gain, _output_weights(whole), place.beside)


def _linear(block: nn.Module, alternatives: tuple[tuple[WritingPart, ...], ...]) -> nn.Module | None:
    """The one linear layer of a block that writes to the residual stream; None if there are others."""
    for parts in alternatives:
        if len(parts) > 1 or parts[0].stacked or parts[0].experts_keys:
            continue
        module: nn.Module | None = block
        for name in parts[0].weight.split(".")[:-1]:
            module = getattr(module, name, None)
        if weight_of(module) is not None:
            return module
    return None


def _output_weights(whole: nn.Module) -> tuple[nn.Parameter, ...]:
    """Weights of experts that write to the residual stream, by name; all weights if none has a known name."""
    matrices = {name: weight for name, weight in whole.named_parameters() if weight.ndim > 1}
    named = tuple(weight for name, weight in matrices.items() if "down_proj" in name or "output_linear" in name)
    return named or tuple(matrices.values())
