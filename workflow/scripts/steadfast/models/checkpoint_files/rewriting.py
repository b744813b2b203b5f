"""Modified copies of a checkpoint, written shard by shard, resumable and atomic: used by baking and by merging.

Unchanged tensors are copied as bytes, the others are streamed by the caller. The copy is written to
``<output>.partial`` next to the output; an interrupted job continues there after the last complete shard, if its inputs
have not changed.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from steadfast.core.progress import IN_BYTES, Progress
from steadfast.models.checkpoint_files.copying import PartialDirectory, copy_range
from steadfast.models.checkpoint_files.shards import shard_header
from steadfast.models.shards import Shard, TensorEntry
from steadfast.models.weights import Checkpoint

Record = dict[str, Any]
Write = Callable[[int, int, int], Record | None]


@dataclass(frozen=True)
class ShardTensor:
    """One tensor of a shard to write.

    Attributes:
        entry: its name, storage dtype, shape and size, and for a copied tensor its location in the source.
        write: writes its bytes, given the file descriptors of the source's shard and of the new one and the offset in
            the latter; returns its record, if any.
    """

    entry: TensorEntry
    write: Write


def copied(entry: TensorEntry, name: str | None = None) -> ShardTensor:
    """A tensor that is copied as bytes, under another name if one is given."""
    renamed = TensorEntry(name or entry.name, entry.dtype, entry.shape, entry.begin, entry.end)
    return ShardTensor(renamed, partial(_copy, entry))


def rewrite_shards(
    checkpoint: Checkpoint, parts_of: Callable[[Shard], list[ShardTensor]], work: PartialDirectory, threads: int
) -> dict[str, Record]:
    """Write all unfinished shards.

    Args:
        checkpoint: the source.
        parts_of: returns the tensors of the new shard for a shard, in byte order.
        work: directory for the shards.
        threads: number of tensors processed in parallel.

    Returns:
        The records of the tensors of all shards, by ``name``.
    """
    records: dict[str, Record] = {}
    new = {shard.path.name: parts_of(shard) for shard in checkpoint.shards}
    missing = [part.entry.size for name, parts in new.items() if work.finished(name) is None for part in parts]
    with (
        ThreadPoolExecutor(threads) as pool,
        ThreadPoolExecutor(1) as flusher,
        Progress("tensors", len(missing), unit=IN_BYTES, work=sum(missing)) as progress,
    ):
        flushes = []
        for shard in checkpoint.shards:
            found = work.finished(shard.path.name)
            if found is None:
                unfinished = work.unfinished(shard.path.name)
                found = _write_shard(shard, new[shard.path.name], unfinished, pool, progress)
                # write this shard to disk while the next one is processed
                flushes.append(flusher.submit(work.finish, shard.path.name, found))
            records.update({str(record["name"]): record for record in found})
        for flush in flushes:
            flush.result()
    return records


def _write_shard(
    shard: Shard, parts: list[ShardTensor], path: Path, pool: ThreadPoolExecutor, progress: Progress
) -> list[Record]:
    """Write one shard to ``path``; return the records of its tensors."""
    header = _header(shard, [part.entry for part in parts])
    with ExitStack() as stack:
        source = os.open(shard.path, os.O_RDONLY)
        stack.callback(os.close, source)
        target = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        stack.callback(os.close, target)
        os.truncate(target, len(header) + sum(part.entry.size for part in parts))
        os.pwrite(target, header, 0)
        writes: list[Future[Record | None]] = []
        offset = len(header)
        for part in parts:
            writes.append(pool.submit(part.write, source, target, offset))
            offset += part.entry.size
        records = []
        for part, write in zip(parts, writes, strict=True):
            record = write.result()
            records += [] if record is None else [record]
            progress.advance(1, part.entry.size)
        return records


def _header(shard: Shard, entries: list[TensorEntry]) -> bytes:
    """Header of the new shard: the old one's bytes if it holds the same tensors in the same places."""
    same = [(entry.name, entry.dtype, entry.shape) for entry in entries] == [
        (entry.name, entry.dtype, entry.shape) for entry in shard.entries
    ]
    return shard.header if same else shard_header(entries, shard.metadata)[0]


def _copy(entry: TensorEntry, source: int, target: int, offset: int) -> None:
    copy_range(source, target, entry.begin, offset, entry.size)


def untied_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with an untied head; multimodal ones have the setting in two places."""
    changed = {**config, "tie_word_embeddings": False}
    if "text_config" in config:
        changed["text_config"] = {**config["text_config"], "tie_word_embeddings": False}
    return changed


def has_own_head(config: Mapping[str, Any]) -> bool:
    """Whether a configuration explicitly unties the head in all places.

    The default depends on the model class, and many classes tie the head to the embedding.
    """
    parts = (config, config.get("text_config") or {})
    return {part.get("tie_word_embeddings") for part in parts} - {None} == {False}


def changed_index(checkpoint: Checkpoint, parts: Mapping[str, Iterable[TensorEntry]]) -> dict[str, Any]:
    """The index of a checkpoint with new shards.

    Args:
        checkpoint: the source; it has an index.
        parts: the new tensors by the name of their shard.
    """
    index = dict(checkpoint.index)
    new = {entry.name: (entry, shard) for shard, entries in parts.items() for entry in entries}
    metadata = dict(index.get("metadata", {}))
    before, after = checkpoint.entries.values(), [entry for entry, _ in new.values()]
    if "total_size" in metadata:
        metadata["total_size"] += sum(entry.size for entry in after) - sum(entry.size for entry in before)
    if "total_parameters" in metadata:
        metadata["total_parameters"] += sum(entry.count for entry in after) - checkpoint.parameters
    return {**index, "metadata": metadata, "weight_map": {name: shard for name, (_, shard) in new.items()}}
