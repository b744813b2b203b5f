"""A checkpoint directory of this machine; it is pointed to."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from steadfast.core.errors import DataError
from steadfast.core.files import read_json
from steadfast.core.settings import ExistingDirectory
from steadfast.models.depth import depth_of_directory
from steadfast.models.settings import CheckpointSettings
from steadfast.models.size import ModelSize, checkpoint_size
from steadfast.models.sources import Entry, Source
from steadfast.models.weights import CONFIG, require_files


class Settings(CheckpointSettings):
    """A checkpoint directory on this machine."""

    path: ExistingDirectory = Field(description="Directory with config.json, safetensors weights and a tokenizer.")


def _problems(entry: Entry, config: Mapping[str, Any]) -> Iterator[str]:
    try:
        require_files(Path(entry["path"]))
    except DataError as error:
        yield f"path: {error}"
        return
    yield from _quantization_problems(entry, config)


def _quantization_problems(entry: Entry, config: Mapping[str, Any]) -> Iterator[str]:
    """Quantized weights have to be written out before they can be edited."""
    from steadfast.models.checkpoint_files.quantization import METHODS, quantization_of

    edited = [name for name, variant in config["variants"].items() if "edit" in variant]
    method = quantization_of(read_json(Path(entry["path"]) / CONFIG))
    if entry["dequantize"] and method not in METHODS:
        found = f"is quantized by {method!r}" if method else "is not quantized"
        yield f"dequantize: {entry['path']} {found}; known: {', '.join(METHODS)}"
    elif method and edited and entry["role"] == "study" and not entry["dequantize"]:
        yield (
            f"is quantized ({method}), so {edited[0]} cannot edit its weights; set dequantize, or "
            "name the checkpoint that it was made from"
        )


def _depth(entry: Entry, _config: Mapping[str, Any]) -> int | None:
    return depth_of_directory(Path(entry["path"]))


def _size(entry: Entry) -> ModelSize:
    return checkpoint_size(Path(entry["path"]))


SOURCE = Source(problems=_problems, depth=_depth, size=_size, in_place=True)
