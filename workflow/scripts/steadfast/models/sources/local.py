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
from steadfast.models.sources import Source, Stanza
from steadfast.models.weights import CONFIG, require_files


class Settings(CheckpointSettings):
    """A checkpoint directory on this machine."""

    path: ExistingDirectory = Field(description="Directory with config.json, safetensors weights and a tokenizer.")


def _problems(stanza: Stanza, config: Mapping[str, Any]) -> Iterator[str]:
    try:
        require_files(Path(stanza["path"]))
    except DataError as error:
        yield f"path: {error}"
        return
    yield from _quantization_problems(stanza, config)


def _quantization_problems(stanza: Stanza, config: Mapping[str, Any]) -> Iterator[str]:
    """Quantized weights have to be written out before they can be edited."""
    from steadfast.models.checkpoint_files.quantization import METHODS, quantization_of

    edited = [name for name, variant in config["variants"].items() if "edit" in variant]
    method = quantization_of(read_json(Path(stanza["path"]) / CONFIG))
    if stanza["dequantise"] and method not in METHODS:
        found = f"is quantized by {method!r}" if method else "is not quantized"
        yield f"dequantise: {stanza['path']} {found}; known: {', '.join(METHODS)}"
    elif method and edited and stanza["role"] == "study" and not stanza["dequantise"]:
        yield (
            f"is quantized ({method}), so {edited[0]} cannot edit its weights; set dequantise, or "
            "name the checkpoint that it was made from"
        )


def _depth(stanza: Stanza, _config: Mapping[str, Any]) -> int | None:
    return depth_of_directory(Path(stanza["path"]))


SOURCE = Source(problems=_problems, depth=_depth, in_place=True)
