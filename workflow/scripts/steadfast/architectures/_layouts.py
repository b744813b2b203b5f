"""The layouts that the registry knows, by ``model_type`` of ``config.json``."""

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Part:
    """A module that writes to the residual stream; names are relative to its block.

    Attributes:
        weight: name of the weight; ``{expert}`` stands for the index of an expert.
        axis: the weight's axis along the residual stream.
        bias: name of the bias, edited where the checkpoint has one; empty if there is none.
        bias_axis: the bias's axis along the residual stream.
        norm: name of the norm weight between the module and the stream; empty if there is none.
        experts_key: key of ``config.json`` that counts the experts.
    """

    weight: str
    axis: int = 0
    bias: str = ""
    bias_axis: int = 0
    norm: str = ""
    experts_key: str = "num_experts"


def linear(name: str, norm: str = "") -> Part:
    """An ``nn.Linear``: weight [out, in], so the stream lies on axis 0; its bias, if any, is edited too."""
    return Part(f"{name}.weight", 0, f"{name}.bias", 0, norm)


def _readers(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


@dataclass(frozen=True)
class Layout:
    """Names of an architecture's tensors.

    Attributes:
        attention: alternatives, of which a block has one: the parts that write the attention's output.
        mlp: the same for the feed-forward part.
        readers: patterns (relative to the block) of the tensors that do not write to the stream.
        block: prefix of a block below the root, with ``{layer}``.
        roots: prefixes of the text decoder, each with the name of the tensor that makes the logits; the first
            whose embedding exists counts. Multimodal checkpoints have longer ones.
        embeddings: names below the root of the embeddings, that of the tokens first.
        norm_offset: what norms between modules and stream add to their weight.
        depth_key: key of ``config.json`` with the number of blocks.
        hidden_key: key of ``config.json`` with the width of the stream.
    """

    attention: tuple[tuple[Part, ...], ...]
    mlp: tuple[tuple[Part, ...], ...]
    readers: tuple[re.Pattern[str], ...]
    block: str = "layers.{layer}."
    roots: tuple[tuple[str, str], ...] = (("model.", "lm_head.weight"),)
    embeddings: tuple[str, ...] = ("embed_tokens.weight",)
    norm_offset: float = 0.0
    depth_key: str = "num_hidden_layers"
    hidden_key: str = "hidden_size"


LLAMA = Layout(
    attention=((linear("self_attn.o_proj"),),),
    mlp=((linear("mlp.down_proj"),),),
    readers=_readers(
        r"self_attn\.(q|k|v|qkv)_proj\.(weight|bias)",
        r"self_attn\.(q|k)_norm\.weight",
        r"self_attn\.rotary_emb\.inv_freq",
        r"mlp\.(gate|up|gate_up)_proj\.(weight|bias)",
        r"(input|post_attention)_layernorm\.weight",
    ),
)

LAYOUTS: dict[str, Layout] = {
    "gemma": LLAMA,
    "glm": LLAMA,
    "granite": LLAMA,
    "llama": LLAMA,
    "mistral": LLAMA,
    "phi3": LLAMA,
    "qwen2": LLAMA,
    "qwen3": LLAMA,
    "smollm3": LLAMA,
}

GLM4 = replace(
    LLAMA,
    attention=((linear("self_attn.o_proj", norm="post_self_attn_layernorm.weight"),),),
    mlp=((linear("mlp.down_proj", norm="post_mlp_layernorm.weight"),),),
    readers=(*LLAMA.readers, *_readers(r"post_(self_attn|mlp)_layernorm\.weight")),
)
LAYOUTS["glm4"] = GLM4
