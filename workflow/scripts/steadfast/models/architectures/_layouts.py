"""The layouts that the registry knows, by ``model_type`` of ``config.json``.

Names are those of the files, which may differ from those of the modules that transformers builds from them.
"""

from dataclasses import replace

from steadfast.models.architectures._parts import TensorNames, WritingPart, experts, linear, readers, with_readers

DENSE = (linear("mlp.down_proj"),)
LLAMA = TensorNames(
    attention=((linear("self_attn.o_proj"),),),
    mlp=(DENSE,),
    readers=readers(
        r"self_attn\.(q|k|v|qkv)_proj\.(weight|bias)",
        r"self_attn\.(q|k)_(norm|layernorm)\.(weight|bias)",
        r"self_attn\.rotary_emb\.inv_freq",
        r"mlp\.(gate|up|gate_up)_proj\.(weight|bias)",
        r"(input|post_attention)_layernorm\.(weight|bias)",
    ),
)

# norms between the modules and the stream, in addition to norms before the modules (Gemma 2, 3) or instead (OLMo 2)
SANDWICH = with_readers(
    LLAMA,
    r"(pre|post)_feedforward_layernorm\.weight",
    attention=((linear("self_attn.o_proj", norm="post_attention_layernorm.weight"),),),
    mlp=((linear("mlp.down_proj", norm="post_feedforward_layernorm.weight"),),),
)
GEMMA2 = replace(SANDWICH, norm_offset=1.0)
# blocks of the small models add a projection of per-layer embeddings to the stream; those with experts add up two norms
# behind a third, so that no edit of one matrix takes a direction out of what they write
_PER_LAYER = linear("per_layer_projection", norm="post_per_layer_input_norm.weight")
GEMMA4 = with_readers(
    SANDWICH,
    r"per_layer_input_gate\.weight",
    r"post_per_layer_input_norm\.weight",
    r"layer_scalar",
    mlp=(*((*parts, _PER_LAYER) for parts in SANDWICH.mlp), *SANDWICH.mlp),
    further_modules=(("per_layer_projection", "post_per_layer_input_norm.weight"),),
)
GLM4 = with_readers(
    LLAMA,
    r"post_(self_attn|mlp)_layernorm\.weight",
    attention=((linear("self_attn.o_proj", norm="post_self_attn_layernorm.weight"),),),
    mlp=((linear("mlp.down_proj", norm="post_mlp_layernorm.weight"),),),
)

MIXTRAL = with_readers(
    LLAMA,
    r"block_sparse_moe\.gate\.weight",
    r"block_sparse_moe\.experts\.\d+\.w[13]\.weight",
    mlp=(experts("block_sparse_moe.experts.{expert}.w2.weight", ("num_local_experts",)),),
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
QWEN_EXPERTS = with_readers(
    LLAMA,
    *_ROUTED_READERS,
    mlp=(
        experts(_ROUTED, _EXPERT_KEYS, linear("mlp.shared_expert.down_proj")),
        experts(_ROUTED, _EXPERT_KEYS),
        DENSE,
    ),
)
DEEPSEEK = with_readers(
    LLAMA,
    *_ROUTED_READERS,
    r"self_attn\.(q_a|q_b|kv_b)_proj\.(weight|bias)",
    r"self_attn\.kv_a_proj_with_mqa\.(weight|bias)",
    r"self_attn\.(q|kv)_a_layernorm\.weight",
    mlp=(
        experts(_ROUTED, _EXPERT_KEYS, linear("mlp.shared_experts.down_proj")),
        experts(_ROUTED, _EXPERT_KEYS),
        DENSE,
    ),
)
_HYBRID_READERS = (
    r"linear_attn\.(in_proj_\w+|conv1d|norm)\.weight",
    r"linear_attn\.(A_log|dt_bias)",
)
QWEN3_NEXT = with_readers(
    QWEN_EXPERTS,
    *_HYBRID_READERS,
    attention=((linear("self_attn.o_proj"),), (linear("linear_attn.out_proj"),)),
    attention_modules=("self_attn", "linear_attn"),
)
# all experts in one tensor [experts, hidden, intermediate] where it was saved as transformers holds it
_STACKED = WritingPart("mlp.experts.down_proj", 1, stacked=True)
QWEN3_5_EXPERTS = with_readers(
    QWEN3_NEXT,
    r"mlp\.experts\.gate_up_proj",
    mlp=(*QWEN3_NEXT.mlp, (_STACKED, linear("mlp.shared_expert.down_proj"))),
)
LFM2 = with_readers(
    LLAMA,
    r"conv\.(in_proj|conv)\.(weight|bias)",
    r"feed_forward\.w[13]\.weight",
    r"(operator|ffn)_norm\.weight",
    attention=((linear("self_attn.out_proj"),), (linear("conv.out_proj"),)),
    mlp=((linear("feed_forward.w2"),),),
    attention_modules=("self_attn", "conv"),
    mlp_modules=("feed_forward",),
)
GRANITE_HYBRID = with_readers(
    LLAMA,
    r"mamba\.(in_proj|conv1d|norm)\.(weight|bias)",
    r"mamba\.(A_log|D|dt_bias)",
    r"block_sparse_moe\.(input_linear|router\.layer)\.weight",
    r"shared_mlp\.input_linear\.weight",
    attention=((linear("self_attn.o_proj"),), (linear("mamba.out_proj"),)),
    mlp=(
        (WritingPart("block_sparse_moe.output_linear.weight", 1, stacked=True), linear("shared_mlp.output_linear")),
        (linear("shared_mlp.output_linear"),),
    ),
    attention_modules=("self_attn", "mamba"),
    mlp_modules=("shared_mlp",),
    further_modules=(("block_sparse_moe", ""),),
)
# all experts in one tensor [experts, intermediate, hidden]: the stream lies on the last axis
GPT_OSS = with_readers(
    LLAMA,
    r"self_attn\.sinks",
    r"mlp\.router\.(weight|bias)",
    r"mlp\.experts\.gate_up_proj(_bias)?",
    mlp=((WritingPart("mlp.experts.down_proj", 2, "mlp.experts.down_proj_bias", 1, stacked=True),),),
)
LLAMA4 = with_readers(
    LLAMA,
    r"feed_forward\.router\.weight",
    r"feed_forward\.experts\.gate_up_proj",
    r"feed_forward\.(shared_expert\.)?(gate|up)_proj\.weight",
    roots=(("model.", "lm_head.weight"), ("language_model.model.", "language_model.lm_head.weight")),
    mlp=(
        (
            WritingPart("feed_forward.experts.down_proj", 2, stacked=True),
            linear("feed_forward.shared_expert.down_proj"),
        ),
        (linear("feed_forward.down_proj"),),
    ),
    mlp_modules=("feed_forward",),
)

GPT_NEOX = TensorNames(
    attention=((linear("attention.dense"),),),
    mlp=((linear("mlp.dense_4h_to_h"),),),
    readers=readers(
        r"attention\.query_key_value\.(weight|bias)",
        r"attention\.(bias|masked_bias|rotary_emb\.inv_freq)",
        r"mlp\.dense_h_to_4h\.(weight|bias)",
        r"(input|post_attention)_layernorm\.(weight|bias)",
    ),
    attention_modules=("attention",),
    roots=(("gpt_neox.", "embed_out.weight"),),
    embeddings=("embed_in.weight",),
)
PHI = with_readers(
    LLAMA,
    r"mlp\.fc1\.(weight|bias)",
    attention=((linear("self_attn.dense"),),),
    mlp=((linear("mlp.fc2"),),),
)
# per-head norms of StableLM 2
STABLELM = with_readers(LLAMA, r"self_attn\.(q|k)_layernorm\.norms\.\d+\.weight")
STARCODER2 = with_readers(LLAMA, r"mlp\.c_fc\.(weight|bias)", mlp=((linear("mlp.c_proj"),),))
FALCON = TensorNames(
    attention=((linear("self_attention.dense"),),),
    mlp=((linear("mlp.dense_4h_to_h"),),),
    readers=readers(
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
GPT2 = TensorNames(
    attention=((WritingPart("attn.c_proj.weight", 1, "attn.c_proj.bias"),),),
    mlp=((WritingPart("mlp.c_proj.weight", 1, "mlp.c_proj.bias"),),),
    readers=readers(
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

LAYOUTS: dict[str, TensorNames] = {
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
    "gemma4": replace(GEMMA4, roots=_MULTIMODAL_ROOTS),
    "gemma4_text": GEMMA4,
    "glm": LLAMA,
    "glm4": GLM4,
    "glm4_moe": DEEPSEEK,
    "glm4_moe_lite": DEEPSEEK,
    "gpt2": GPT2,
    "gpt_neox": GPT_NEOX,
    "gpt_oss": GPT_OSS,
    "granite": LLAMA,
    "granitemoehybrid": GRANITE_HYBRID,
    "lfm2": LFM2,
    "llama": LLAMA,
    "llama4": LLAMA4,
    "llama4_text": LLAMA4,
    "ministral": LLAMA,
    "ministral3": LLAMA,
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
    "qwen3_5": replace(QWEN3_NEXT, roots=_MULTIMODAL_ROOTS),
    "qwen3_5_moe": replace(QWEN3_5_EXPERTS, roots=_MULTIMODAL_ROOTS),
    "qwen3_5_moe_text": QWEN3_5_EXPERTS,
    "qwen3_5_text": QWEN3_NEXT,
    "qwen3_next": QWEN3_NEXT,
    "seed_oss": LLAMA,
    "smollm3": LLAMA,
    "stablelm": STABLELM,
    "starcoder2": STARCODER2,
}
