"""Loading checkpoints with transformers: safetensors only, remote code off unless the config allows it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from steadfast.core.errors import DataError
from steadfast.core.registry import load
from steadfast.models.chat_settings import apply_settings
from steadfast.models.checkpoint_files.stored_updates import load_updates
from steadfast.models.classes import FAULTS, auto_class_of, in_one_line
from steadfast.models.devices import free_memory, pick_device, require_gpus_only, room_to_spread
from steadfast.models.mismatch import mismatch_of, require_match
from steadfast.models.number_format import settle_format
from steadfast.models.pointer import chat_of, checkpoint_path, trusts_remote_code, update_file
from steadfast.models.updating import apply_updates
from steadfast.models.weights import open_checkpoint

Loader = Callable[[str | Path, str, str], PreTrainedModel]


def load_tokenizer(directory: str | Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a model directory, with left padding, a padding token and the model's chat template.

    Raises:
        DataError: transformers cannot load it, or it has several chat templates and none is selected.
    """
    tokenizer = load_plain_tokenizer(directory)
    apply_settings(tokenizer, checkpoint_path(directory), chat_of(directory))
    return tokenizer


def load_plain_tokenizer(directory: str | Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a model directory with the chat templates in its files.

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
        dtype: ``auto`` (see ``steadfast.models.number_format``), ``float32``, ``bfloat16`` or ``float16``.
        device: a torch device name, or ``auto``: one GPU if the model fits it, all of the job's if it does not, the
            processor if there are none.

    Raises:
        DataError: transformers cannot load it, a tensor of it is missing or of another shape, or it does not fit the
            GPUs.
    """
    return _loader(directory, dtype, device)


def load_original(directory: str | Path, dtype: str, device: str) -> PreTrainedModel:
    """Load the checkpoint that a model directory is based on, without its updates.

    Args, Raises:
        See ``load_model``.
    """
    path = checkpoint_path(directory)
    name = settle_format(directory, dtype, device).name
    checkpoint = open_checkpoint(path)
    auto_class = auto_class_of(_load(AutoConfig, directory))
    weights: dict[str, Any] = {"dtype": getattr(torch, name), "use_safetensors": True, "output_loading_info": True}
    room = room_to_spread(path, name, free_memory()) if device == "auto" else None
    if room is None:
        model, info = _load(auto_class, directory, **weights)
    else:
        model, info = _load(auto_class, directory, **weights, device_map="auto", max_memory=room)
    # missing weights were filled with random numbers
    require_match(mismatch_of(info, checkpoint.config), checkpoint.config, str(path))
    if room is None:
        model = model.to(pick_device(device))
    else:
        require_gpus_only(model, path)
        print(f"{path}: spread over {len(room)} GPUs", flush=True)
    return model.eval()  # type: ignore[no-any-return]


@contextmanager
def loaded_by(loader: Loader) -> Iterator[None]:
    """Context in which ``load_model`` uses ``loader``."""
    global _loader
    previous, _loader = _loader, loader
    try:
        yield
    finally:
        _loader = previous


def _load_from_disk(directory: str | Path, dtype: str, device: str) -> PreTrainedModel:
    model = load_original(directory, dtype, device)
    update = update_file(directory)
    if update is not None:
        updates = load_updates(update)
        apply_updates(model, open_checkpoint(checkpoint_path(directory)), updates)
    # by name: what was computed from finite numbers does not depend on the code that looks for others
    load("steadfast.models", "overflow").watch(model, str(directory))
    return model


_loader: Loader = _load_from_disk


def _load(auto_class: Any, directory: str | Path, **arguments: Any) -> Any:
    path = checkpoint_path(directory)
    try:
        return auto_class.from_pretrained(path, trust_remote_code=trusts_remote_code(directory), **arguments)
    except torch.OutOfMemoryError:
        raise
    except FAULTS as error:
        raise DataError(f"{path} cannot be loaded: {in_one_line(error)}") from error
