"""The layouts that the registry knows, by ``model_type`` of ``config.json``.

Names are those of the files, which may differ from those of the modules that transformers builds from them.
"""

import re
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Part:
    """A module that writes to the residual stream; names are relative to its block.

    Attributes:
        weight: name of the weight; ``{expert}`` stands for the index of an expert.
        axis: the weight's axis along the residual stream.
        bias: name of the bias, edited where the checkpoint has one; empty if there is none.
        bias_axis: the bias's axis along the residual stream.
        norm: name of the norm weight between the module and the stream; empty if there is none.
        experts_keys: keys of ``config.json`` of which one counts the experts, where each has a tensor of its own.
        stacked: whether the tensor holds all experts.
    """

    weight: str
    axis: int = 0
    bias: str = ""
    bias_axis: int = 0
    norm: str = ""
    experts_keys: tuple[str, ...] = ()
    stacked: bool = False


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
        attention_modules: names in a block of the modules of transformers whose output is the attention's; a block
            has one of them.
        mlp_modules: the same for the feed-forward part.
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
    attention_modules: tuple[str, ...] = ("self_attn",)
    mlp_modules: tuple[str, ...] = ("mlp",)
    depth_key: str = "num_hidden_layers"
    hidden_key: str = "hidden_size"


def _with(layout: Layout, *patterns: str, **changes: Any) -> Layout:
    """A relative of a layout, with further readers."""
    return replace(layout, readers=(*layout.readers, *_readers(*patterns)), **changes)


def _experts(name: str, keys: tuple[str, ...], *besides: Part) -> tuple[Part, ...]:
    """One matrix per expert, numbered from 0, and what else writes in the same block."""
    return (Part(name, experts_keys=keys), *besides)


DENSE = (linear("mlp.down_proj"),)
LLAMA = Layout(
    attention=((linear("self_attn.o_proj"),),),
    mlp=(DENSE,),
    readers=_readers(
        r"self_attn\.(q|k|v|qkv)_proj\.(weight|bias)",
        r"self_attn\.(q|k)_(norm|layernorm)\.(weight|bias)",
        r"self_attn\.rotary_emb\.inv_freq",
        r"mlp\.(gate|up|gate_up)_proj\.(weight|bias)",
        r"(input|post_attention)_layernorm\.(weight|bias)",
    ),
)

# norms between the modules and the stream, besides those in front of the modules (Gemma 2, 3) or instead (OLMo 2)
SANDWICH = _with(
    LLAMA,
    r"(pre|post)_feedforward_layernorm\.weight",
    attention=((linear("self_attn.o_proj", norm="post_attention_layernorm.weight"),),),
    mlp=((linear("mlp.down_proj", norm="post_feedforward_layernorm.weight"),),),
)
GEMMA2 = replace(SANDWICH, norm_offset=1.0)
GLM4 = _with(
    LLAMA,
    r"post_(self_attn|mlp)_layernorm\.weight",
    attention=((linear("self_attn.o_proj", norm="post_self_attn_layernorm.weight"),),),
    mlp=((linear("mlp.down_proj", norm="post_mlp_layernorm.weight"),),),
)

MIXTRAL = _with(
    LLAMA,
    r"block_sparse_moe\.gate\.weight",
    r"block_sparse_moe\.experts\.\d+\.w[13]\.weight",
    mlp=(_experts("block_sparse_moe.experts.{expert}.w2.weight", ("num_local_experts",)),),
)
_ROUTED_READERS = (
    r"mlp\.gate\.(weight|e_score_correction_bias)",
    r"mlp\.experts\.\d+\.(gate|up)_proj\.weight",
    r"mlp\.shared_experts?\.(gate|up)_proj\.weight",
    r"mlp\.shared_expert_gate\.weight",
)
_EXPERT_KEYS = ("num_experts", "num_local_experts", "n_routed_experts")
_ROUTED = "mlp.experts.{expert}.down_proj.weight"
# some blocks may be dense: the first ones, or those that the config lists
QWEN_EXPERTS = _with(
    LLAMA,
    *_ROUTED_READERS,
    mlp=(
        _experts(_ROUTED, _EXPERT_KEYS, linear("mlp.shared_expert.down_proj")),
        _experts(_ROUTED, _EXPERT_KEYS),
        DENSE,
    ),
)
DEEPSEEK = _with(
    LLAMA,
    *_ROUTED_READERS,
    r"self_attn\.(q_a|q_b|kv_b)_proj\.(weight|bias)",
    r"self_attn\.kv_a_proj_with_mqa\.(weight|bias)",
    r"self_attn\.(q|kv)_a_layernorm\.weight",
    mlp=(
        _experts(_ROUTED, _EXPERT_KEYS, linear("mlp.shared_experts.down_proj")),
        _experts(_ROUTED, _EXPERT_KEYS),
        DENSE,
    ),
)
QWEN3_NEXT = _with(
    QWEN_EXPERTS,
    r"linear_attn\.(in_proj_\w+|conv1d|norm)\.weight",
    r"linear_attn\.(A_log|dt_bias)",
    attention=((linear("self_attn.o_proj"),), (linear("linear_attn.out_proj"),)),
    attention_modules=("self_attn", "linear_attn"),
)
# all experts in one tensor [experts, intermediate, hidden]: the stream lies on the last axis
GPT_OSS = _with(
    LLAMA,
    r"self_attn\.sinks",
    r"mlp\.router\.(weight|bias)",
    r"mlp\.experts\.gate_up_proj(_bias)?",
    mlp=((Part("mlp.experts.down_proj", 2, "mlp.experts.down_proj_bias", 1, stacked=True),),),
)
LLAMA4 = _with(
    LLAMA,
    r"feed_forward\.router\.weight",
    r"feed_forward\.experts\.gate_up_proj",
    r"feed_forward\.(shared_expert\.)?(gate|up)_proj\.weight",
    roots=(("model.", "lm_head.weight"), ("language_model.model.", "language_model.lm_head.weight")),
    mlp=(
        (Part("feed_forward.experts.down_proj", 2, stacked=True), linear("feed_forward.shared_expert.down_proj")),
        (linear("feed_forward.down_proj"),),
    ),
    mlp_modules=("feed_forward",),
)

GPT_NEOX = Layout(
    attention=((linear("attention.dense"),),),
    mlp=((linear("mlp.dense_4h_to_h"),),),
    readers=_readers(
        r"attention\.query_key_value\.(weight|bias)",
        r"attention\.(bias|masked_bias|rotary_emb\.inv_freq)",
        r"mlp\.dense_h_to_4h\.(weight|bias)",
        r"(input|post_attention)_layernorm\.(weight|bias)",
    ),
    attention_modules=("attention",),
    roots=(("gpt_neox.", "embed_out.weight"),),
    embeddings=("embed_in.weight",),
)
PHI = _with(
    LLAMA,
    r"mlp\.fc1\.(weight|bias)",
    attention=((linear("self_attn.dense"),),),
    mlp=((linear("mlp.fc2"),),),
)
STARCODER2 = _with(LLAMA, r"mlp\.c_fc\.(weight|bias)", mlp=((linear("mlp.c_proj"),),))
FALCON = Layout(
    attention=((linear("self_attention.dense"),),),
    mlp=((linear("mlp.dense_4h_to_h"),),),
    readers=_readers(
        r"self_attention\.query_key_value\.(weight|bias)",
        r"mlp\.dense_h_to_4h\.(weight|bias)",
        r"(input_layernorm|post_attention_layernorm|ln_attn|ln_mlp)\.(weight|bias)",
    ),
    attention_modules=("self_attention",),
    block="h.{layer}.",
    roots=(("transformer.", "lm_head.weight"),),
    embeddings=("word_embeddings.weight",),
)
# GPT-2 stores its matrices [in, out]; its position embedding writes to the stream as well
GPT2 = Layout(
    attention=((Part("attn.c_proj.weight", 1, "attn.c_proj.bias"),),),
    mlp=((Part("mlp.c_proj.weight", 1, "mlp.c_proj.bias"),),),
    readers=_readers(
        r"attn\.c_attn\.(weight|bias)",
        r"attn\.(bias|masked_bias)",
        r"mlp\.c_fc\.(weight|bias)",
        r"ln_[12]\.(weight|bias)",
    ),
    attention_modules=("attn",),
    block="h.{layer}.",
    roots=(("transformer.", "lm_head.weight"), ("", "lm_head.weight")),
    embeddings=("wte.weight", "wpe.weight"),
    depth_key="n_layer",
    hidden_key="n_embd",
)

_MULTIMODAL_ROOTS = (
    ("model.language_model.", "lm_head.weight"),
    ("language_model.model.", "language_model.lm_head.weight"),
    ("model.", "lm_head.weight"),
)

LAYOUTS: dict[str, Layout] = {
    "cohere": LLAMA,
    "cohere2": LLAMA,
    "deepseek_v2": DEEPSEEK,
    "deepseek_v3": DEEPSEEK,
    "exaone4": SANDWICH,
    "falcon": FALCON,
    "gemma": LLAMA,
    "gemma2": GEMMA2,
    "gemma3": replace(GEMMA2, roots=_MULTIMODAL_ROOTS),
    "gemma3_text": GEMMA2,
    "glm": LLAMA,
    "glm4": GLM4,
    "glm4_moe": DEEPSEEK,
    "gpt2": GPT2,
    "gpt_neox": GPT_NEOX,
    "gpt_oss": GPT_OSS,
    "granite": LLAMA,
    "llama": LLAMA,
    "llama4": LLAMA4,
    "llama4_text": LLAMA4,
    "ministral": LLAMA,
    "mistral": LLAMA,
    "mistral3": replace(LLAMA, roots=_MULTIMODAL_ROOTS),
    "mixtral": MIXTRAL,
    "olmo2": SANDWICH,
    "olmo3": SANDWICH,
    "olmoe": QWEN_EXPERTS,
    "phi": PHI,
    "phi3": LLAMA,
    "qwen2": LLAMA,
    "qwen2_moe": QWEN_EXPERTS,
    "qwen3": LLAMA,
    "qwen3_moe": QWEN_EXPERTS,
    "qwen3_next": QWEN3_NEXT,
    "seed_oss": LLAMA,
    "smollm3": LLAMA,
    "stablelm": LLAMA,
    "starcoder2": STARCODER2,
}
