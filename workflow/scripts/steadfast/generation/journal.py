"""A journal of finished responses, so that a job that was killed goes on where it stopped.

One JSON object per line is appended and synced as soon as a response is there. Each has a key that
covers everything that decides the response, so that an entry of another run is never taken for one of this. A line
whose checksum is not that of its content was damaged, and is as if it had never been written.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from steadfast.generation.interface import Generation, GenerationRequest


def journal_path(output: str | Path) -> Path:
    """Where the journal of a response table lies: a hidden file beside it."""
    return Path(output).with_name(f".{Path(output).name}.journal.jsonl")


def request_key(identity: Mapping[str, Any], request: GenerationRequest) -> str:
    """SHA-256 of what decides one response.

    Args:
        identity: what all responses of a run share: hash of the checkpoint, engine, number format, sampling.
        request: the prompt's tokens, the longest response and the seed.
    """
    content = {**identity, "prompt": request.prompt_tokens, "limit": request.max_new_tokens, "seed": request.seed}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Journal:
    """Reads what an earlier run left and appends what this one finishes; use as a context manager."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._file: BinaryIO

    def __enter__(self) -> "Journal":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self._path, "a+b")
        self._drop_torn_line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def entries(self) -> dict[str, Generation]:
        """Responses of earlier runs, by key."""
        self._file.seek(0)
        records = [record for line in self._file if (record := _intact(line)) is not None]
        return {record["key"]: Generation(tuple(record["tokens"]), record["finish_reason"]) for record in records}

    def append(self, key: str, generation: Generation) -> None:
        """Add one response and make sure that it is on the disk."""
        record = {"key": key, "tokens": generation.tokens, "finish_reason": generation.finish_reason}
        self._file.write(json.dumps({**record, "checksum": _checksum(record)}).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _drop_torn_line(self) -> None:
        """Cut off what a kill in the middle of a write has left behind the last newline."""
        self._file.seek(0)
        self._file.truncate(self._file.read().rfind(b"\n") + 1)


def _intact(line: bytes) -> dict[str, Any] | None:
    """The record of a line; None if it is not as it was written."""
    try:
        record: dict[str, Any] = json.loads(line)
        return record if record.pop("checksum") == _checksum(record) else None
    except (ValueError, AttributeError, KeyError, TypeError):
        return None


def _checksum(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]
