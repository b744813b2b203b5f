"""What the settings of a GGUF file mean for a checkpoint's ``config.json``.

transformers reads most of them. It leaves the rest out without a word and takes the architecture's defaults, which are
those of one size of the model: attention's scale in Gemma, scaled rotary positions, a rotation of a part of each head.
Here every setting of the architecture is accounted for: read by transformers, added, or required to be neutral.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from steadfast.models.gguf.header import GgufHeader
from steadfast.models.gguf.rotation import rotation_of, rotation_problems

Config = dict[str, Any]

READ = frozenset(
    {
        "attention.head_count",
        "attention.head_count_kv",
        "attention.layer_norm_rms_epsilon",
        "block_count",
        "context_length",
        "embedding_length",
        "feed_forward_length",
        "rope.freq_base",
        "vocab_size",
    }
)
"""Settings that transformers reads for every architecture here."""
ADDED = frozenset(
    {
        "attention.key_length",
        "attention.value_length",
        "rope.dimension_count",
        "rope.scaling.factor",
        "rope.scaling.finetuned",
        "rope.scaling.original_context_length",
        "rope.scaling.type",
    }
)
"""Settings that are looked at here, for every architecture."""
EXPERTS = frozenset({"expert_count", "expert_used_count", "expert_feed_forward_length"})
FURTHER: Mapping[str, frozenset[str]] = {
    "llama": frozenset(),
    "qwen2": frozenset(),
    "qwen3": frozenset(),
    "qwen3moe": EXPERTS,
    "phi3": frozenset({"attention.sliding_window"}),
    "gemma2": frozenset({"attention.sliding_window", "attn_logit_softcapping", "final_logit_softcapping"}),
    "gemma3": frozenset({"attention.sliding_window", "final_logit_softcapping", "rope.freq_base_swa"}),
}
"""The architectures that can be written out, with the settings that are looked at for one of them alone."""
NEUTRAL: Mapping[str, Any] = {
    "attention.causal": True,
    "expert_count": 0,
    "expert_used_count": 0,
    "logit_scale": 1.0,
    "rope.scaling.attn_factor": 1.0,
    "use_parallel_residual": False,
}
"""Values that change nothing; any other value of these settings does."""
LARGEST_GEMMA = {"gemma2": 46, "gemma3": 62}
"""Blocks of the sizes (27B) whose attention is scaled by the width per head in place of the head's size."""


def setting_problems(header: GgufHeader) -> Iterator[str]:
    """The settings of a file that would be lost."""
    architecture = header.architecture
    known = READ | ADDED | FURTHER[architecture]
    for key, value in header.settings.items():
        name = key.removeprefix(f"{architecture}.")
        if name != key and name not in known and not (name in NEUTRAL and value == NEUTRAL[name]):
            yield f"its setting {key} = {value!r} is not known here"
    for name in READ - {"rope.freq_base", "vocab_size", "attention.head_count_kv"}:
        if header.setting(name) is None:
            yield f"its setting {architecture}.{name} is missing"
    for name in ("feed_forward_length", "attention.head_count", "attention.head_count_kv"):
        if isinstance(header.setting(name), list):
            yield f"its setting {architecture}.{name} differs from block to block"
    if head_size(header) != header.setting("attention.value_length", head_size(header)):
        yield f"its keys and values have different lengths ({architecture}.attention.value_length)"
    yield from rotation_problems(header, head_size(header))


def complete(header: GgufHeader, config: Mapping[str, Any]) -> Config:
    """The configuration that transformers makes of a file, with what it leaves out.

    Args:
        header: the file's.
        config: what transformers makes of it.
    """
    done = dict(config)
    if "head_dim" in done or head_size(header) * int(done["num_attention_heads"]) != int(done["hidden_size"]):
        done["head_dim"] = head_size(header)
    if header.setting("attention.head_count_kv") is None:
        done["num_key_value_heads"] = done["num_attention_heads"]
    if "rope_parameters" in done:
        done["rope_parameters"] = rotation_of(header, done["rope_parameters"], head_size(header))
    return CORRECTIONS.get(header.architecture, _as_it_is)(header, done)


def head_size(header: GgufHeader) -> int:
    """Length of a query or key of one head."""
    heads = header.setting("attention.head_count", 1)
    width = int(header.setting("embedding_length", 0))
    return int(header.setting("attention.key_length", width // int(heads[0] if isinstance(heads, list) else heads)))


def _as_it_is(_header: GgufHeader, config: Config) -> Config:
    return config


def _phi3(header: GgufHeader, config: Config) -> Config:
    return {**config, "sliding_window": header.setting("attention.sliding_window") or None}


def _experts(header: GgufHeader, config: Config) -> Config:
    size = header.setting("expert_feed_forward_length", config["moe_intermediate_size"])
    return {**config, "moe_intermediate_size": size}


def _gemma(header: GgufHeader, config: Config) -> Config:
    largest = int(header.setting("block_count")) == LARGEST_GEMMA[header.architecture]
    scale = config["hidden_size"] // config["num_attention_heads"] if largest else head_size(header)
    caps: Config = {
        name: header.setting(name, config[name])
        for name in ("attn_logit_softcapping", "final_logit_softcapping")
        if name in config
    }
    return {**config, **caps, "query_pre_attn_scalar": scale}


CORRECTIONS: Mapping[str, Callable[[GgufHeader, Config], Config]] = {
    "phi3": _phi3,
    "qwen3moe": _experts,
    "gemma2": _gemma,
    "gemma3": _gemma,
}
