"""A checkpoint of the Hugging Face hub; without the hub nothing of it can be checked but what lies in its cache."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from steadfast.models.depth import depth_of_directory
from steadfast.models.settings import REPOSITORY, REVISION, CheckpointSettings
from steadfast.models.size import ModelSize, checkpoint_size
from steadfast.models.sources import Entry, Source
from steadfast.models.weights import CONFIG


class Settings(CheckpointSettings):
    """A checkpoint of the Hugging Face hub."""

    repo: str = Field(pattern=REPOSITORY, description="Id of the repository, for example `Qwen/Qwen3-14B`.")
    revision: str = Field(
        "main",
        pattern=REVISION,
        description=(
            "Commit, tag or branch. A branch such as `main` causes a warning, since it can change between two "
            "runs; `make pin` replaces it with the current commit."
        ),
    )


def _cached(entry: Entry) -> Path | None:
    """The directory of the checkpoint in the hub's cache."""
    from steadfast.models.download import cached_file

    file = cached_file(entry["repo"], entry.get("revision", "main"), CONFIG)
    return file.parent if file else None


def _depth(entry: Entry, _config: Mapping[str, Any]) -> int | None:
    directory = _cached(entry)
    return depth_of_directory(directory) if directory else None


def _size(entry: Entry) -> ModelSize | None:
    directory = _cached(entry)
    return checkpoint_size(directory) if directory else None


def as_model(place: Entry) -> dict[str, Any]:
    """An entry of ``models`` from a mapping with ``repo``, and ``revision`` or what else an entry has."""
    return {"source": "hub", **place}


SOURCE = Source(depth=_depth, size=_size)
