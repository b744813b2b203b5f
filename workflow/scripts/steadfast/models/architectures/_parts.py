"""Description of an architecture: which tensors write to the residual stream, and along which axis."""

import re
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class WritingPart:
    """A module that writes to the residual stream; names are relative to its block.

    Attributes:
        weight: name of the weight; ``{expert}`` represents the index of an expert.
        axis: the weight's axis along the residual stream.
        bias: name of the bias, which is edited if the checkpoint has one; empty if there is none.
        bias_axis: the bias's axis along the residual stream.
        norm: name of the norm weight between the module and the stream; empty if there is none.
        experts_keys: possible ``config.json`` keys of the number of experts, if each has a separate tensor.
        stacked: whether the tensor holds all experts.
    """

    weight: str
    axis: int = 0
    bias: str = ""
    bias_axis: int = 0
    norm: str = ""
    experts_keys: tuple[str, ...] = ()
    stacked: bool = False


def linear(name: str, norm: str = "") -> WritingPart:
    """An ``nn.Linear``: weight [out, in], so the stream lies on axis 0; its bias, if any, is edited too."""
    return WritingPart(f"{name}.weight", 0, f"{name}.bias", 0, norm)


def readers(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


@dataclass(frozen=True)
class TensorNames:
    """Names of an architecture's tensors.

    Attributes:
        attention: alternatives for the parts that write the attention's output; a block has one of them.
        mlp: the same for the feed-forward module.
        readers: patterns (relative to the block) of the tensors that do not write to the stream.
        block: prefix of a block below the root, with ``{layer}``.
        roots: prefixes of the text decoder, each with the name of the output head's tensor; the first whose embedding
            exists is used. Multimodal checkpoints have longer ones.
        embeddings: names of the embeddings below the root, starting with the token embedding.
        norm_offset: offset that norms between modules and stream add to their weight.
        attention_modules: names in a block of the modules of transformers whose output is the attention's; a block
            has one of them.
        mlp_modules: the same for the feed-forward part.
        further_modules: modules that write to the stream in addition to the feed-forward one, in blocks that have them,
            each with the norm after it, as for a ``WritingPart``.
        depth_key: key of ``config.json`` with the number of blocks.
        hidden_key: key of ``config.json`` with the width of the stream.
    """

    attention: tuple[tuple[WritingPart, ...], ...]
    mlp: tuple[tuple[WritingPart, ...], ...]
    readers: tuple[re.Pattern[str], ...]
    block: str = "layers.{layer}."
    roots: tuple[tuple[str, str], ...] = (("model.", "lm_head.weight"),)
    embeddings: tuple[str, ...] = ("embed_tokens.weight",)
    norm_offset: float = 0.0
    attention_modules: tuple[str, ...] = ("self_attn",)
    mlp_modules: tuple[str, ...] = ("mlp",)
    further_modules: tuple[tuple[str, str], ...] = ()
    depth_key: str = "num_hidden_layers"
    hidden_key: str = "hidden_size"


def with_readers(layout: TensorNames, *patterns: str, **changes: Any) -> TensorNames:
    """A copy of a layout with further readers."""
    return replace(layout, readers=(*layout.readers, *readers(*patterns)), **changes)


def experts(name: str, keys: tuple[str, ...], *further: WritingPart) -> tuple[WritingPart, ...]:
    """One matrix per expert, numbered from 0, and other writers of the same block."""
    return (WritingPart(name, experts_keys=keys), *further)
