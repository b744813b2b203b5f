"""What a checkpoint's weights are, from the headers of its files: nothing of them is read."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

from safetensors import SafetensorError, safe_open

from steadfast.errors import DataError
from steadfast.files import read_json

INDEX = "model.safetensors.index.json"
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2}
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})


@dataclass(frozen=True)
class StoredTensor:
    """One tensor of a checkpoint.

    Attributes:
        dtype: as safetensors writes it (``BF16``, ``F32``, ...).
        count: number of its elements.
    """

    dtype: str
    count: int

    def size(self, float_bytes: int | None = None) -> int:
        """Bytes it takes, with ``float_bytes`` per element if it is one of floating-point numbers; else as stored."""
        as_stored = BYTES.get(self.dtype, 1)
        return self.count * (float_bytes if float_bytes and self.dtype in FLOATS else as_stored)


def stored_tensors(checkpoint: Path) -> Iterator[StoredTensor]:
    """Every tensor of a checkpoint directory.

    Raises:
        DataError: a file is missing or no safetensors file.
    """
    index = checkpoint / INDEX
    # beside the files of the index there may be others with the same tensors in another layout
    listed = sorted(set(read_json(index)["weight_map"].values())) if index.is_file() else None
    for file in [checkpoint / name for name in listed] if listed else sorted(checkpoint.glob("*.safetensors")):
        try:
            with safe_open(file, framework="numpy") as opened:
                slices = [opened.get_slice(name) for name in opened.keys()]
                yield from (StoredTensor(part.get_dtype(), prod(part.get_shape())) for part in slices)
        except (OSError, SafetensorError) as error:
            raise DataError(f"{file} cannot be read: {error}") from error
