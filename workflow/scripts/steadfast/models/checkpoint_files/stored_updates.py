"""``low_rank_update.safetensors``: low-rank updates of a checkpoint's tensors.

The file replaces an edited checkpoint: readers load the original's tensors and apply the updates. The hash of every
updated tensor is stored and compared, so that applying an update to other weights raises an error.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadfast.core.errors import DataError
from steadfast.core.tensors import load_tensors, save_tensors
from steadfast.models.checkpoint_files.dtypes import STORAGE, widen
from steadfast.models.checkpoint_files.low_rank import LowRankUpdate, changed_rows
from steadfast.models.checkpoint_files.matrices import Matrices
from steadfast.models.weights import Checkpoint

FILE = "low_rank_update.safetensors"
PARTS = ("left", "right", "gain")


@dataclass(frozen=True)
class TensorUpdate:
    """The update of one stored tensor.

    Attributes:
        matrices: layout of its matrices.
        factors: the update of each of its matrices (one per expert).
        target: its group of modules; see ``steadfast.models.architectures.Target``.
        sha256: of the stored bytes of the changed tensor.
    """

    matrices: Matrices
    factors: tuple[LowRankUpdate, ...]
    target: str
    sha256: str


def save_updates(path: str | Path, updates: Mapping[str, TensorUpdate]) -> None:
    """Write updates by tensor name; factors that all matrices of a tensor share are written once."""
    tensors: dict[str, NDArray[Any]] = {}
    layouts = {}
    for name, update in updates.items():
        for part in PARTS:
            values = [getattr(factors, part) for factors in update.factors]
            if values[0] is not None:
                shared = all(np.array_equal(values[0], value) for value in values[1:])
                tensors[f"{name}.{part}"] = np.stack(values[:1] if shared else values)
        layouts[name] = {"matrices": asdict(update.matrices), "target": update.target, "sha256": update.sha256}
    save_tensors(path, tensors, {"tensors": layouts}, dtype="F64")


def load_updates(path: str | Path) -> dict[str, TensorUpdate]:
    """Read updates by tensor name.

    Raises:
        DataError: the file does not contain low-rank updates.
    """
    tensors, facts = load_tensors(path, "a file of low-rank updates")
    try:
        return {name: _update(name, layout, tensors) for name, layout in facts["tensors"].items()}
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise DataError(f"{path} holds no low-rank updates: {error!r}") from error


def updated_tensor(checkpoint: Checkpoint, name: str, update: TensorUpdate) -> NDArray[Any]:
    """The changed tensor, as raw storage in the tensor's shape.

    Raises:
        DataError: the hash of the result differs, i.e. the original's weights have changed.
    """
    entry = checkpoint.entries.get(name)
    if entry is None or entry.count != update.matrices.stack * update.matrices.rows * update.matrices.columns:
        raise DataError(f"{checkpoint.path} lacks {name}, or has it in another shape: the edit is of another model")
    result = np.empty(entry.count, dtype=STORAGE[entry.dtype])
    descriptor = os.open(checkpoint.shard_of(name).path, os.O_RDONLY)
    try:
        for index, factors in enumerate(update.factors):
            for start, raw in update.matrices.blocks(descriptor, entry, index):
                begin = update.matrices.offset(index, start)
                rows = changed_rows(widen(raw, entry.dtype), start, factors, update.matrices, entry.dtype)
                result[begin : begin + rows.size] = rows.reshape(-1)
    finally:
        os.close(descriptor)
    if hashlib.sha256(result.data).hexdigest() != update.sha256:
        raise DataError(
            f"{checkpoint.path}: {name} is not what the edit was made for; the model has changed since, or the edit's "
            "file is damaged"
        )
    return result.reshape(entry.shape)


def _update(name: str, layout: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> TensorUpdate:
    matrices = Matrices(**layout["matrices"])
    found = {part: tensors[f"{name}.{part}"] for part in PARTS if f"{name}.{part}" in tensors}
    factors = tuple(
        LowRankUpdate(**{part: values[index if len(values) > 1 else 0] for part, values in found.items()})
        for index in range(matrices.stack)
    )
    return TensorUpdate(matrices, factors, str(layout["target"]), str(layout["sha256"]))
