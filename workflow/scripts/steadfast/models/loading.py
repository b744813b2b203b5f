"""Loading checkpoints with transformers: safetensors only, remote code off unless the config allows it."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from steadfast.models.pointer import checkpoint_path, trusts_remote_code


def load_tokenizer(directory: str | Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a model directory, with left padding and a padding token."""
    tokenizer: Any = AutoTokenizer.from_pretrained(
        checkpoint_path(directory), trust_remote_code=trusts_remote_code(directory), padding_side="left"
    )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer  # type: ignore[no-any-return]


def load_model(directory: str | Path, *, dtype: str = "auto", device: str = "auto") -> PreTrainedModel:
    """Load the causal language model of a model directory, in evaluation mode.

    Args:
        directory: a model directory of the workflow, or a plain checkpoint directory.
        dtype: ``auto`` (as stored), ``float32``, ``bfloat16`` or ``float16``.
        device: ``auto`` (CUDA if there is one), or a torch device name.
    """
    model: Any = AutoModelForCausalLM.from_pretrained(
        checkpoint_path(directory),
        dtype=dtype if dtype == "auto" else getattr(torch, dtype),
        use_safetensors=True,
        trust_remote_code=trusts_remote_code(directory),
    )
    return model.to(pick_device(device)).eval()  # type: ignore[no-any-return]


def pick_device(device: str = "auto") -> str:
    """Resolve ``auto`` to ``cuda`` if a GPU is usable, else ``cpu``."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"
