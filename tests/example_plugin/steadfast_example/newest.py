"""Model source: the newest checkpoint in a folder that a training run writes to."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from steadfast.core.settings import AnyPath
from steadfast.models.local import point_to
from steadfast.models.pointer import ModelPointer
from steadfast.models.settings import CheckpointSettings
from steadfast.models.sources import Source


class Settings(CheckpointSettings):
    """The newest checkpoint in a folder that a training run writes to."""

    folder: AnyPath = Field(description="The folder; each checkpoint is a directory in it.")


def newest(folder: str) -> Path | None:
    """The most recent checkpoint directory, or None."""
    found = [file.parent for file in Path(folder).glob("*/config.json")]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def problems(entry: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    """Errors in a config entry, before any job."""
    if newest(entry["folder"]) is None:
        yield f"folder: {entry['folder']!r} contains no checkpoint directory"


def files(entry: Mapping[str, Any]) -> list[str]:
    """Files whose change makes the model stale."""
    found = newest(entry["folder"])
    return [str(found / "config.json")] if found else []


def locate(entry: Mapping[str, Any]) -> ModelPointer:
    """Check the checkpoint and return its location."""
    return point_to(newest(entry["folder"]) or entry["folder"])


SOURCE = Source(problems=problems, files=files, locate=locate)
