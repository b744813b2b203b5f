"""Reading the layout of safetensors checkpoints without reading their tensors."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from steadfast.errors import DataError
from steadfast.files import read_json
from steadfast.models.weights import INDEX

SINGLE = "model.safetensors"
LARGEST_HEADER = 100_000_000


@dataclass(frozen=True)
class TensorEntry:
    """Where one tensor lies.

    Attributes:
        name: name in the checkpoint.
        dtype: as safetensors writes it (``BF16``, ``F32``, ...).
        shape: sizes of its axes.
        begin: offset of its first byte in the file.
        end: offset behind its last byte.
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


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's configuration, its shards and which shard holds which tensor."""

    path: Path
    config: Mapping[str, Any]
    shards: tuple[Shard, ...]
    index: Mapping[str, Any] | None

    @cached_property
    def entries(self) -> dict[str, TensorEntry]:
        """All tensors by name."""
        return {entry.name: entry for shard in self.shards for entry in shard.entries}

    @cached_property
    def _homes(self) -> dict[str, Shard]:
        return {entry.name: shard for shard in self.shards for entry in shard.entries}

    def shard_of(self, tensor: str) -> Shard:
        """The shard that holds a tensor."""
        return self._homes[tensor]


def open_checkpoint(path: Path) -> Checkpoint:
    """Read the configuration, the index and the shards' headers of a checkpoint directory.

    Raises:
        DataError: there are no safetensors weights, a shard is missing or damaged, or the index names a
            tensor that its shard does not hold.
    """
    config = read_json(path / "config.json")
    index = read_json(path / INDEX) if (path / INDEX).is_file() else None
    if index is None and not (path / SINGLE).is_file():
        raise DataError(f"{path} holds neither {SINGLE} nor {INDEX}; only safetensors checkpoints can be edited")
    names = sorted(set(index["weight_map"].values())) if index else [SINGLE]
    shards = tuple(read_shard(path / name) for name in names)
    checkpoint = Checkpoint(path, config, shards, index)
    if index:
        missing = set(index["weight_map"]) - set(checkpoint.entries)
        if missing:
            raise DataError(f"{path / INDEX} names {len(missing)} absent tensor(s), for example {min(missing)}")
    return checkpoint


def read_shard(path: Path) -> Shard:
    """Read a safetensors file's header.

    Raises:
        DataError: the file is missing or not a complete safetensors file.
    """
    if not path.is_file():
        raise DataError(f"the checkpoint lacks {path.name} ({path})")
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(LARGEST_HEADER, size - 8):
            raise DataError(f"{path} is not a complete safetensors file: its header says {length} of {size} bytes")
        text = file.read(length)
    try:
        fields = json.loads(text)
        metadata = fields.pop("__metadata__", {})
        found = [_entry(name, field, 8 + length) for name, field in fields.items()]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} has a damaged safetensors header: {error}") from error
    entries = tuple(sorted(found, key=lambda entry: (entry.begin, entry.end)))
    if entries and entries[-1].end != size:
        raise DataError(f"{path} is not complete: it has {size} bytes, its header promises {entries[-1].end}")
    return Shard(path, length.to_bytes(8, "little") + text, entries, metadata, size)


def shard_header(entries: list[TensorEntry], metadata: Mapping[str, str]) -> tuple[bytes, list[TensorEntry]]:
    """Header bytes for tensors laid out one after the other, and the tensors with their new offsets."""
    fields: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for entry in entries:
        fields[entry.name] = {
            "dtype": entry.dtype,
            "shape": list(entry.shape),
            "data_offsets": [offset, offset + entry.size],
        }
        offset += entry.size
    text = json.dumps(fields, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    header = len(text).to_bytes(8, "little") + text
    moved = []
    start = len(header)
    for entry in entries:
        moved.append(TensorEntry(entry.name, entry.dtype, entry.shape, start, start + entry.size))
        start += entry.size
    return header, moved


def element_count(shape: tuple[int, ...]) -> int:
    """Number of elements of a tensor."""
    return math.prod(shape)


def _entry(name: str, field: Mapping[str, Any], start: int) -> TensorEntry:
    begin, end = field["data_offsets"]
    return TensorEntry(name, str(field["dtype"]), tuple(field["shape"]), start + int(begin), start + int(end))
