"""The files of small models in every form that the page on adding a model names."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from tests.tiny_checkpoint import HIDDEN, write_checkpoint

RANK = 2


def plain_adapter(folder: Path, blocks: int = 2) -> Path:
    """A LoRA adapter over ``tests.tiny_checkpoint``, as PEFT saves it, made without torch."""
    folder.mkdir(parents=True)
    settings = {"peft_type": "LORA", "r": RANK, "lora_alpha": 4, "target_modules": ["o_proj"], "task_type": "CAUSAL_LM"}
    (folder / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
    generator = np.random.default_rng(1)
    weights = {}
    for block in range(blocks):
        module = f"base_model.model.model.layers.{block}.self_attn.o_proj"
        for name, shape in (("lora_A", (RANK, HIDDEN)), ("lora_B", (HIDDEN, RANK))):
            weights[f"{module}.{name}.weight"] = generator.standard_normal(shape).astype(np.float32)
    save_file(weights, folder / "adapter_model.safetensors")
    return folder


def small_gguf(file: Path, blocks: int = 2) -> Path:
    """A GGUF file of a Llama, quantized to 8 bits."""
    from transformers import LlamaConfig

    from tests.gguf_files import TOKENS, reference_model, write_gguf

    file.parent.mkdir(parents=True, exist_ok=True)
    config = LlamaConfig(
        vocab_size=len(TOKENS),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=blocks,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=0,
    )
    return write_gguf(file, reference_model(config), quantization="Q8_0")


def write_model_files(home: Path) -> None:
    """What ``docs/adding-a-model.md`` finds in its reader's home."""
    write_checkpoint(home / "checkpoints" / "mine", blocks=4)
    plain_adapter(home / "adapters" / "mine-tuned", blocks=4)
    small_gguf(home / "checkpoints" / "mine-Q8_0.gguf", blocks=4)
