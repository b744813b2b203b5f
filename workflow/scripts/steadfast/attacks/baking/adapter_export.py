"""An edit as a LoRA adapter in PEFT's format, for PEFT, vLLM and other tools.

W′ = W − L·R is W + B·A with B = −L and A = R. An adapter adds B·A·x to the output that a module computes from the
stored weights, in the number format in which the model runs. An edited checkpoint rounds W′ to its stored format. The
two differ by that rounding.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from steadfast.core.errors import DataError
from steadfast.core.files import atomic_directory, read_json, write_json
from steadfast.core.tensors import save_tensors
from steadfast.models.adapters.settings import CONFIG, WEIGHTS
from steadfast.models.checkpoint_files.stored_updates import TensorUpdate, load_updates
from steadfast.models.edited import MANIFEST
from steadfast.models.pointer import update_file

PREFIX = "base_model.model."
WEIGHT = ".weight"


def export_adapter(directory: str | Path, output: str | Path, base_name: str) -> None:
    """Write the edit of a model directory that keeps its factors as a LoRA adapter, with the manifest beside it.

    Args:
        directory: a model directory written by ``steadfast.attacks.baking.baking.keep_factors``.
        output: directory to write: ``adapter_config.json``, ``adapter_model.safetensors`` (float32), and
            ``edit_manifest.json``.
        base_name: base model named in the adapter's configuration.

    Raises:
        DataError: the directory holds no factors, or an adapter cannot express the edit; it says why.
    """
    file = update_file(directory)
    if file is None:
        raise DataError(f"{directory} holds no edit as factors")
    updates = load_updates(file)
    problem = why_no_adapter(updates)
    if problem:
        raise DataError(f"{directory}: an adapter cannot express the edit: {problem}")
    with atomic_directory(output) as temporary:
        write_adapter(updates, temporary, base_name)
        write_json(temporary / MANIFEST, read_json(Path(directory) / MANIFEST))


def write_adapter(updates: Mapping[str, TensorUpdate], folder: Path, base_name: str) -> None:
    """Write updates that an adapter can express (see ``why_no_adapter``) to a folder, in PEFT's format."""
    modules = {name.removesuffix(WEIGHT): update.factors[0] for name, update in updates.items()}
    tensors = {}
    for module, factors in modules.items():
        tensors[f"{PREFIX}{module}.lora_A.weight"] = factors.right
        tensors[f"{PREFIX}{module}.lora_B.weight"] = -factors.left
    rank = max(len(factors.right) for factors in modules.values())
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "inference_mode": True,
        "r": rank,
        # the scaling is alpha/r
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": any(not update.matrices.rows_are_outputs for update in updates.values()),
        "target_modules": sorted(modules),
        "modules_to_save": None,
    }
    save_tensors(folder / WEIGHTS, tensors, {})
    write_json(folder / CONFIG, config)


def why_no_adapter(updates: Mapping[str, TensorUpdate]) -> str:
    """Why a LoRA adapter of linear layers cannot express updates; empty if it can."""
    if not updates:
        return "it changes nothing"
    for name, update in updates.items():
        if any(factors.gain is not None for factors in update.factors):
            return f"it rescales the columns of {name}, which is not of low rank"
        if update.matrices.stack > 1:
            return f"{name} stacks {update.matrices.stack} experts in one tensor"
        if update.target == "embedding":
            return f"it edits the embedding {name}, and engines adapt linear layers only"
        if not name.endswith(WEIGHT):
            return f"{name} is not a weight of a linear layer"
    if len({factors.right.shape[0] for update in updates.values() for factors in update.factors}) > 1:
        return "its ranks differ from tensor to tensor"
    if not all(np.isfinite(factors.right).all() for update in updates.values() for factors in update.factors):
        return "a factor is not finite"
    return ""
