"""Safetensors files, read up to where their tensors begin."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError

LARGEST_HEADER = 100_000_000
POINTER_START = b"version https://git-lfs"
POINTER_SIZE = 1024
BITS = {
    **dict.fromkeys(("F64", "I64", "U64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    "F4": 4,
}


@dataclass(frozen=True)
class TensorEntry:
    """Location of one tensor.

    Attributes:
        name: name in the checkpoint.
        dtype: as safetensors writes it (``BF16``, ``F32``, ...).
        shape: sizes of its axes.
        begin: offset of its first byte in the file.
        end: offset after its last byte.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.end - self.begin

    @property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Shard:
    """One safetensors file.

    Attributes:
        path: the file.
        header: its first bytes, up to where the tensors begin.
        entries: its tensors in the order of their bytes.
        metadata: the header's ``__metadata__``.
        size: number of bytes of the file.
    """

    path: Path
    header: bytes
    entries: tuple[TensorEntry, ...]
    metadata: Mapping[str, str]
    size: int


def read_shard(path: Path) -> Shard:
    """Read a safetensors file's header.

    Raises:
        DataError: the file is missing, is only a pointer (Git LFS), or is not a complete safetensors file.
    """
    if not path.is_file():
        raise DataError(f"the checkpoint lacks {path.name} ({path}); download it again")
    require_content(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(LARGEST_HEADER, size - 8):
            raise DataError(
                f"{path} is not a complete safetensors file: its header says {length} of {size} bytes; download it "
                "again"
            )
        text = file.read(length)
    try:
        fields = json.loads(text)
        metadata = fields.pop("__metadata__", {})
        found = [_entry(name, field, 8 + length) for name, field in fields.items()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} has a damaged safetensors header: {error}; download it again") from error
    entries = tuple(sorted(found, key=lambda entry: (entry.begin, entry.end)))
    _require_whole(path, entries, 8 + length, size)
    return Shard(path, length.to_bytes(8, "little") + text, entries, metadata, size)


def require_content(path: Path) -> None:
    """Check that a file is not the pointer that Git LFS leaves where a large file was not downloaded.

    Raises:
        DataError: it is one.
    """
    if path.stat().st_size > POINTER_SIZE:
        return
    with path.open("rb") as file:
        if file.read(len(POINTER_START)) == POINTER_START:
            raise DataError(
                f"{path} is a pointer of Git LFS and not the file itself: run `git lfs pull` in its folder, or "
                "download the file"
            )


def _require_whole(path: Path, entries: tuple[TensorEntry, ...], start: int, size: int) -> None:
    """Check that the tensors fill the file from its header to its end, each as long as its shape asks."""
    end = start
    for entry in entries:
        bits = BITS.get(entry.dtype)
        if entry.begin != end or (bits is not None and entry.size * 8 != -(-entry.count * bits // 8) * 8):
            raise DataError(f"{path} has a damaged safetensors header: {entry.name} does not fit; download it again")
        end = entry.end
    if end != size:
        raise DataError(
            f"{path} is not complete: it has {size} bytes, its header promises {end}; download it again"
            if size < end
            else f"{path} is damaged: it has {size} bytes, its header promises {end}; download it again"
        )


def _entry(name: str, field: Mapping[str, Any], start: int) -> TensorEntry:
    begin, end = field["data_offsets"]
    return TensorEntry(name, str(field["dtype"]), tuple(field["shape"]), start + int(begin), start + int(end))
