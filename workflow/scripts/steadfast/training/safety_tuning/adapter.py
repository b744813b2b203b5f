"""LoRA adapters of safety tuning, in PEFT's format."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel

from steadfast.core.errors import DataError
from steadfast.training.safety_tuning.recipes import TrainingSettings


def add_adapter(model: PreTrainedModel, settings: TrainingSettings, seed: int) -> Any:
    """Add LoRA matrices, initialized by ``seed``, to the modules of ``model``; always in float32.

    Raises:
        DataError: the base has fewer blocks than are left out, or none of the modules.
    """
    config = lora_config(settings, model.config.num_hidden_layers)
    torch.manual_seed(seed)
    try:
        adapted = get_peft_model(model, config, autocast_adapter_dtype=True)
    except ValueError as error:
        raise DataError(f"the base cannot be adapted: {error}") from error
    model.set_attn_implementation("eager")
    return adapted


def lora_config(settings: TrainingSettings, blocks: int) -> LoraConfig:
    """PEFT's configuration of the adapter.

    Raises:
        DataError: the base has fewer blocks than are left out.
    """
    if settings.first_block >= blocks:
        raise DataError(f"training.first_block is {settings.first_block}, but the base has {blocks} blocks")
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=list(settings.targets),
        layers_to_transform=list(range(settings.first_block, blocks)),
        task_type="CAUSAL_LM",
    )


def adapter_weights(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The trained matrices under the names of PEFT's files, which omit the adapter's name."""
    return {name.replace(".default.", "."): weight.detach().clone() for name, weight in parameters.items()}


def write_adapter(
    folder: str | Path, weights: dict[str, Tensor], settings: TrainingSettings, blocks: int, base_name: str
) -> None:
    """Write an adapter in PEFT's format, with float16 matrices; equal weights give equal bytes."""
    stored = {name: weights[name].to(torch.float16).contiguous() for name in sorted(weights)}
    save_file(stored, Path(folder) / "adapter_model.safetensors", metadata={"format": "pt"})
    lora: Any = lora_config(settings, blocks)
    config = {key: value for key, value in lora.to_dict().items() if key != "peft_version"}
    config["target_modules"] = sorted(settings.targets)
    config["base_model_name_or_path"] = base_name
    config["inference_mode"] = True
    text = json.dumps(config, indent=2, sort_keys=True, default=str)
    (Path(folder) / "adapter_config.json").write_text(f"{text}\n", encoding="utf-8")
