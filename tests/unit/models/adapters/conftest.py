"""Tiny bases, and adapters that PEFT makes over them."""

import json
from pathlib import Path

import peft
import pytest
import torch
from safetensors.torch import load_file
from tests.tiny_models import save_random, tiny_llama
from transformers import AutoModelForCausalLM, LlamaConfig


def tiny_config(**changes) -> LlamaConfig:
    return tiny_llama(50, **{"tie_word_embeddings": False, "attention_bias": True, **changes})


def save_base(folder: Path, config=None, dtype=torch.float32, shard_size="5GB") -> Path:
    """A random model whose every parameter is filled."""
    save_random(config or tiny_config(), folder, dtype=dtype, spread=0.3, shard_size=shard_size)
    (folder / "tokenizer_config.json").write_text(json.dumps({"from": "the base"}))
    return folder


def save_adapter(base: Path, folder: Path, dtype=torch.float32, **settings) -> Path:
    """An adapter with random weights in all that it trains, as PEFT saves it."""
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    chosen = {"r": 4, "lora_alpha": 6, "target_modules": ["q_proj", "o_proj", "down_proj"], **settings}
    model = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **chosen))
    for name, parameter in model.named_parameters():
        if "lora_" in name or parameter.requires_grad:
            parameter.data.normal_(std=0.2)
    if dtype != torch.float32:
        model = model.to(dtype)
    model.save_pretrained(folder)
    return folder


def merged_by_peft(base: Path, adapter: Path, dtype=torch.float32) -> dict[str, torch.Tensor]:
    """State dict of the base with the adapter merged by PEFT."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype)
    return peft.PeftModel.from_pretrained(model, adapter).merge_and_unload().state_dict()


def stored(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of a checkpoint."""
    return {name: tensor for file in folder.glob("*.safetensors") for name, tensor in load_file(file).items()}


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    return save_base(tmp_path_factory.mktemp("bases") / "untied")
