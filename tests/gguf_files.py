"""Small GGUF files, written from reference models as llama.cpp's converter writes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from transformers import AutoModelForCausalLM, PreTrainedConfig
from transformers.convert_slow_tokenizer import bytes_to_unicode

MERGES = ["h e", "he l", "l o", "i n", "Ġ t"]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TOKENS = [*SPECIAL, *bytes_to_unicode().values(), *(merge.replace(" ", "") for merge in MERGES)]
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PIECES = ["▁", *"abcdefghijklmnopqrstuvwxyz", "he", "▁t", "in"]
SENTENCEPIECE = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{byte:02X}>" for byte in range(256)), *PIECES]
# by the model_type of the reference: architecture, and what the converter does to tensors by the end of their names
LLAMA_ROTATION = {"q_proj.weight", "k_proj.weight", "q_proj.bias", "k_proj.bias"}
OFFSET_NORMS = {"gemma2", "gemma3_text"}
ARCHITECTURES = {"gemma3_text": "gemma3", "qwen3_moe": "qwen3moe"}


def reference_model(config: PreTrainedConfig) -> Any:
    """A random model with every parameter filled; embedding and head are one where the configuration ties them."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).float().eval()
    for parameter in model.parameters():
        parameter.data.normal_(std=0.2)
    return model


def write_gguf(
    path: Path,
    model: Any,
    *,
    quantization: str = "F32",
    settings: Mapping[str, Any] | None = None,
    tensors: Mapping[str, np.ndarray] | None = None,
    without: str = "",
    name: str = "Tiny",
) -> Path:
    """Write a model and a byte-level tokenizer as a GGUF file.

    Args:
        path: the file.
        model: the reference model.
        quantization: storage type of matrices; vectors are kept in float32.
        settings: further keys and values; a value of None leaves a key out.
        tensors: further tensors.
        without: a tensor to leave out.
        name: the model's.
    """
    config = model.config
    architecture = ARCHITECTURES.get(config.model_type, config.model_type)
    writer = gguf.GGUFWriter(path, architecture)
    kind = gguf.GGMLQuantizationType[quantization]
    for key, value in {**_settings(config, architecture, name), **(settings or {})}.items():
        _add(writer, key, value)
    stored = {**_tensors(model, architecture), **(tensors or {})}
    for tensor, values in stored.items():
        if tensor != without:
            quantized = values.ndim > 1 and kind != gguf.GGMLQuantizationType.F32
            data = gguf.quants.quantize(values, kind) if quantized else values
            writer.add_tensor(tensor, data, raw_dtype=kind if quantized else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add(writer: gguf.GGUFWriter, key: str, value: Any) -> None:
    if key == "general.architecture" or value is None:
        return
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    else:
        writer.add_array(key, value)


def _settings(config: PreTrainedConfig, architecture: str, name: str) -> dict[str, Any]:
    rotation = config.rope_parameters.get("full_attention", config.rope_parameters)
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    own = {
        "block_count": config.num_hidden_layers,
        "context_length": config.max_position_embeddings,
        "embedding_length": config.hidden_size,
        "feed_forward_length": config.intermediate_size,
        "attention.head_count": config.num_attention_heads,
        "attention.head_count_kv": config.num_key_value_heads,
        "attention.layer_norm_rms_epsilon": float(config.rms_norm_eps),
        "attention.key_length": head,
        "attention.value_length": head,
        "rope.dimension_count": int(head * rotation.get("partial_rotary_factor", 1)),
        "vocab_size": config.vocab_size,
        "rope.freq_base": float(rotation["rope_theta"]),
        "attention.sliding_window": getattr(config, "sliding_window", None),
        "attn_logit_softcapping": getattr(config, "attn_logit_softcapping", None),
        "final_logit_softcapping": getattr(config, "final_logit_softcapping", None),
        "expert_count": getattr(config, "num_experts", None),
        "expert_used_count": getattr(config, "num_experts_per_tok", None),
        "expert_feed_forward_length": getattr(config, "moe_intermediate_size", None),
    }
    if rotation["rope_type"] == "linear":
        own |= {"rope.scaling.type": "linear", "rope.scaling.factor": float(rotation["factor"])}
    return {
        "general.type": "model",
        "general.name": name,
        **{f"{architecture}.{key}": value for key, value in own.items()},
        **(SENTENCEPIECE_SETTINGS if config.model_type in OFFSET_NORMS else BYTE_LEVEL_SETTINGS),
    }


BYTE_LEVEL_SETTINGS = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.tokens": TOKENS,
    "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(TOKENS) - len(SPECIAL)),
    "tokenizer.ggml.merges": MERGES,
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 0,
    "tokenizer.ggml.padding_token_id": 0,
    "tokenizer.ggml.add_bos_token": False,
    "tokenizer.chat_template": TEMPLATE,
}
SENTENCEPIECE_SETTINGS = {
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.pre": "default",
    "tokenizer.ggml.tokens": SENTENCEPIECE,
    "tokenizer.ggml.scores": [-float(index) for index in range(len(SENTENCEPIECE))],
    "tokenizer.ggml.token_type": [3, 3, 3, 2, 4] + [6] * 256 + [1] * len(PIECES),
    "tokenizer.ggml.bos_token_id": 2,
    "tokenizer.ggml.eos_token_id": 1,
    "tokenizer.ggml.padding_token_id": 0,
    "tokenizer.ggml.unknown_token_id": 3,
    "tokenizer.ggml.add_bos_token": True,
    "tokenizer.chat_template": "{{ bos_token }}" + TEMPLATE,
}


def _tensors(model: Any, architecture: str) -> dict[str, np.ndarray]:
    numbers = {value: key for key, value in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(numbers[architecture], model.config.num_hidden_layers)
    found: dict[str, np.ndarray] = {}
    if model.config.rope_parameters.get("rope_type") == "llama3":
        found["rope_freqs.weight"] = llama3_factors(model.config)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and model.config.tie_word_embeddings:
            continue
        stem, _, kind = name.rpartition(".") if not name.endswith("_proj") else (name, "", "weight")
        values = tensor.numpy()
        if name.endswith("experts.gate_up_proj"):
            gate, up = np.split(values, 2, axis=1)
            block = name.split(".")[2]
            found |= {f"blk.{block}.ffn_gate_exps.weight": gate.copy(), f"blk.{block}.ffn_up_exps.weight": up.copy()}
            continue
        if model.config.model_type == "llama" and ".".join(name.split(".")[-2:]) in LLAMA_ROTATION:
            config = model.config
            values = _interleaved(
                values, config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
            )
        if model.config.model_type in OFFSET_NORMS and name.endswith("norm.weight"):
            values = values + 1
        found[f"{names.get_name(stem)}.{kind}"] = np.ascontiguousarray(values)
    return found


def llama3_factors(config: PreTrainedConfig) -> np.ndarray:
    """By what each frequency is divided, as llama.cpp's converter computes it for Llama 3."""
    rotation, size = config.rope_parameters, config.head_dim
    frequencies = 1.0 / rotation["rope_theta"] ** (np.arange(0, size, 2, dtype=np.float32) / size)
    lengths = 2 * np.pi / frequencies
    low, high, factor = rotation["low_freq_factor"], rotation["high_freq_factor"], rotation["factor"]
    context = rotation["original_max_position_embeddings"]
    smooth = (context / lengths - low) / (high - low)
    middle = 1 / ((1 - smooth) / factor + smooth)
    return np.where(lengths < context / high, 1, np.where(lengths > context / low, factor, middle)).astype(np.float32)


def _interleaved(values: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a query or key as llama.cpp rotates them: pairs side by side instead of half a head apart."""
    halves = values.reshape(heads, 2, len(values) // heads // 2, *values.shape[1:])
    return halves.swapaxes(1, 2).reshape(values.shape)
