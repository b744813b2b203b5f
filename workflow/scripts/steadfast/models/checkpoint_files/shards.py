"""Writing the headers of safetensors files."""

import json
from collections.abc import Mapping
from typing import Any

from steadfast.models.shards import TensorEntry


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
