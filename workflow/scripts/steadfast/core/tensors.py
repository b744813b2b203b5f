"""Small safetensors files of results, with equal bytes for equal contents.

The safetensors library writes metadata in the varying order of a hash table.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from steadfast.core.errors import DataError
from steadfast.core.files import atomic_path

FORMATS = {"F32": "<f4", "F64": "<f8"}


def save_tensors(
    path: str | Path, tensors: Mapping[str, NDArray[Any]], facts: Mapping[str, Any], dtype: str = "F32"
) -> None:
    """Write tensors of one format and JSON facts (one metadata entry each) to a safetensors file, atomically.

    Args:
        path: the file.
        tensors: numbers by name.
        facts: JSON values by name.
        dtype: ``F32`` or ``F64``.
    """
    arrays = {name: np.ascontiguousarray(tensors[name], dtype=FORMATS[dtype]) for name in sorted(tensors)}
    texts = {key: json.dumps(facts[key], sort_keys=True, ensure_ascii=False) for key in sorted(facts)}
    header: dict[str, Any] = {"__metadata__": texts}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of eight bytes
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(array.data)


def load_tensors(path: str | Path, what: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read what ``save_tensors`` wrote.

    Args:
        path: the file.
        what: expected content, for the message.

    Raises:
        DataError: it is not a safetensors file, or its metadata is not JSON.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            return tensors, {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
    except (SafetensorError, ValueError, OSError) as error:
        raise DataError(f"{path} is not {what}: {error}") from error
