"""Loading checkpoints with transformers: safetensors only, remote code off unless the config allows it."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from steadfast.errors import DataError
from steadfast.models.pointer import checkpoint_path, trusts_remote_code


def load_tokenizer(directory: str | Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a model directory, with left padding and a padding token.

    Raises:
        DataError: transformers cannot load it.
    """
    tokenizer: Any = _load(AutoTokenizer, directory, padding_side="left")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer  # type: ignore[no-any-return]


def load_model(directory: str | Path, *, dtype: str = "auto", device: str = "auto") -> PreTrainedModel:
    """Load the causal language model of a model directory, in evaluation mode.

    Args:
        directory: a model directory of the workflow, or a plain checkpoint directory.
        dtype: ``auto`` (as stored), ``float32``, ``bfloat16`` or ``float16``.
        device: ``auto`` (CUDA if there is one), or a torch device name.

    Raises:
        DataError: transformers cannot load it, for example since its weights are pickled.
    """
    stored_as = dtype if dtype == "auto" else getattr(torch, dtype)
    model: Any = _load(AutoModelForCausalLM, directory, dtype=stored_as, use_safetensors=True)
    return model.to(pick_device(device)).eval()  # type: ignore[no-any-return]


def pick_device(device: str = "auto") -> str:
    """Resolve ``auto`` to ``cuda`` if a GPU is usable, else ``cpu``."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _load(auto_class: Any, directory: str | Path, **arguments: Any) -> Any:
    path = checkpoint_path(directory)
    try:
        return auto_class.from_pretrained(path, trust_remote_code=trusts_remote_code(directory), **arguments)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be loaded: {error}") from error
