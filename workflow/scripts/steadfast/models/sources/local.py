"""A checkpoint directory of this machine; it is pointed to."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from steadfast.core.errors import DataError
from steadfast.core.settings import ExistingDirectory
from steadfast.models.depth import depth_of_directory
from steadfast.models.settings import CheckpointSettings
from steadfast.models.sources import Source, Stanza
from steadfast.models.weights import require_files


class Settings(CheckpointSettings):
    """A checkpoint directory on this machine."""

    path: ExistingDirectory = Field(description="Directory with config.json, safetensors weights and a tokenizer.")


def _problems(stanza: Stanza, _config: Mapping[str, Any]) -> Iterator[str]:
    try:
        require_files(Path(stanza["path"]))
    except DataError as error:
        yield f"path: {error}"


def _depth(stanza: Stanza, _config: Mapping[str, Any]) -> int | None:
    return depth_of_directory(Path(stanza["path"]))


SOURCE = Source(problems=_problems, depth=_depth)
