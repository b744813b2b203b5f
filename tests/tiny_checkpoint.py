"""The files of a whole checkpoint of a few kilobytes, made without loading torch."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save

HIDDEN, VOCABULARY = 8, ["<unk>", "<end>", "<user>", "<assistant>", "a", "b", "c", "7", "8", "9?"]
TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}> {{ message['content'] }} <end> {% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
SPECIAL = {"unk_token": "<unk>", "eos_token": "<end>", "pad_token": "<unk>"}


def config(blocks: int = 2, **changes: object) -> dict[str, object]:
    """``config.json`` of a Llama with tied embeddings."""
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": len(VOCABULARY),
        "hidden_size": HIDDEN,
        "intermediate_size": HIDDEN,
        "num_hidden_layers": blocks,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "eos_token_id": 1,
        "tie_word_embeddings": True,
        "dtype": "float32",
        **changes,
    }


def tensors(blocks: int = 2) -> dict[str, np.ndarray]:
    """The tensors that such a model has, float32."""
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (len(VOCABULARY), HIDDEN),
        "model.norm.weight": (HIDDEN,),
    }
    for block in range(blocks):
        for norm in ("input_layernorm", "post_attention_layernorm"):
            shapes[f"model.layers.{block}.{norm}.weight"] = (HIDDEN,)
        for name in ("self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o", "mlp.gate", "mlp.up", "mlp.down"):
            shapes[f"model.layers.{block}.{name}_proj.weight"] = (HIDDEN, HIDDEN)
    generator = np.random.default_rng(0)
    return {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def tokenizer_files(template: str | None = TEMPLATE) -> dict[str, bytes]:
    """A tokenizer of words, with a chat template unless it is None."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    inner = Tokenizer(models.WordLevel({word: index for index, word in enumerate(VOCABULARY)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", **SPECIAL}
    if template is not None:
        settings["chat_template"] = template
    return {"tokenizer.json": inner.to_str().encode(), "tokenizer_config.json": json.dumps(settings).encode()}


def checkpoint_files(blocks: int = 2) -> dict[str, bytes]:
    """Every file by name."""
    return {
        "config.json": json.dumps(config(blocks)).encode(),
        "model.safetensors": save(tensors(blocks), metadata={"format": "pt"}),
        **tokenizer_files(),
    }


def write_checkpoint(directory: Path, blocks: int = 2) -> Path:
    """Write the files of a checkpoint."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in checkpoint_files(blocks).items():
        (directory / name).write_bytes(content)
    return directory
