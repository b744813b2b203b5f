"""Copying of unedited content, and the partial directory of an edited checkpoint."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.core.files import commit_directory, read_json, write_json
from steadfast.core.integrity import SUFFIX as PROVENANCE
from steadfast.models.pointer import FILE as POINTER
from steadfast.models.weights import Checkpoint, companion_files

COPY_BYTES = 2**24


def copy_range(source: int, target: int, begin: int, offset: int, size: int) -> None:
    """Copy bytes between file descriptors, within the kernel where the file systems allow it.

    Raises:
        DataError: the source ends before the range does.
    """
    done = 0
    while done < size:
        try:
            count = os.copy_file_range(source, target, size - done, begin + done, offset + done)
        except OSError:  # not supported between these file systems
            count = _copy_buffer(source, target, begin + done, offset + done, min(COPY_BYTES, size - done))
        if count == 0:
            raise DataError("a shard ended while it was copied: it is being changed by someone else")
        done += count


def _copy_buffer(source: int, target: int, begin: int, offset: int, size: int) -> int:
    buffer = memoryview(os.pread(source, size, begin))
    done = 0
    while done < len(buffer):
        done += os.pwrite(target, buffer[done:], offset + done)
    return done


def copy_companions(checkpoint: Checkpoint, target: Path) -> None:
    """Copy the files of a checkpoint that are not weights: configuration, index, tokenizer, template, license.

    The pointer and the provenance of a model directory apply to the original only and are not copied.
    """
    index = [checkpoint.path / checkpoint.index_file] if checkpoint.index_file else []
    for file in [*companion_files(checkpoint.path), *index]:
        if file.name != POINTER and not file.name.endswith(PROVENANCE):
            shutil.copyfile(file, target / file.name)


@dataclass(frozen=True)
class PartialDirectory:
    """``<output>.partial``: finished shards with their records, and at most one that is being written."""

    path: Path

    @classmethod
    def prepare(cls, output: Path, state: str) -> "PartialDirectory":
        """Open the partial directory of an output; content of another ``state`` is deleted."""
        work = cls(output.with_name(f"{output.name}.partial"))
        marker = work._progress / "state.json"
        if not (marker.is_file() and read_json(marker) == state):
            shutil.rmtree(work.path, ignore_errors=True)
            work._progress.mkdir(parents=True)
            write_json(marker, state)
        return work

    @property
    def _progress(self) -> Path:
        return self.path / "progress"

    def finished(self, shard: str) -> list[dict[str, Any]] | None:
        """Records of the tensors edited in a finished shard, or None if it is not finished."""
        record = self._progress / f"{shard}.json"
        return list(read_json(record)) if record.is_file() and (self.path / shard).is_file() else None

    def unfinished(self, shard: str) -> Path:
        """Path of a shard until it is finished."""
        return self.path / f"{shard}.unfinished"

    def finish(self, shard: str, records: list[dict[str, Any]]) -> None:
        """Flush a written shard to disk, rename it and store its records."""
        with self.unfinished(shard).open("rb") as file:
            os.fsync(file.fileno())
        self.unfinished(shard).rename(self.path / shard)
        write_json(self._progress / f"{shard}.json", records)

    def commit(self, output: Path) -> None:
        """Replace the output by the directory."""
        shutil.rmtree(self._progress)
        commit_directory(self.path, output)
