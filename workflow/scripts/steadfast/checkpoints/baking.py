"""Baking: an edited copy of a checkpoint, shard by shard, resumable, atomic.

Tensors that the edit does not reach are copied as bytes, the others are streamed in blocks. The copy is
made in a directory ``<output>.partial`` beside the output; a job that was killed continues there after the
last complete shard, if nothing it depends on has changed.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from steadfast.checkpoints.copying import PartialDirectory, copy_companions, copy_range
from steadfast.checkpoints.manifest import manifest_of
from steadfast.checkpoints.plan import Plan, plan_edit, with_change_norm
from steadfast.checkpoints.shards import shard_header
from steadfast.checkpoints.tensors import TensorEditor, TensorRecord, matrices_of
from steadfast.edits import Site
from steadfast.errors import DataError
from steadfast.files import read_json, sha256_file, write_json
from steadfast.models.edited import MANIFEST
from steadfast.models.pointer import ModelPointer, trusts_remote_code
from steadfast.models.shards import Shard, TensorEntry

VERSION = 1  # of the records in a partial directory; a change of what they mean makes it another


def bake(
    source: str | Path,
    direction_path: str | Path,
    edit: Mapping[str, Any],
    output: str | Path,
    *,
    match_change: str | Path | None = None,
    threads: int = 2,
) -> dict[str, Any]:
    """Write an edited copy of a checkpoint to ``output``, with ``edit_manifest.json``.

    Args:
        source: a model directory of the workflow, or a plain checkpoint directory.
        direction_path: a direction file.
        edit: the ``edit`` stanza: ``method`` and its settings.
        output: directory to write; replaced if it exists.
        match_change: another edited checkpoint of the same model; the edit is scaled so that it changes the
            weights by as much (‖W′ − W‖), as a control of the size of the change.
        threads: number of tensors that are worked on at a time.

    Returns:
        The manifest. A residual that is off is recorded there (``effective`` is false), not raised.

    Raises:
        ConfigError: the edit's settings do not fit the model.
        DataError: the architecture is unknown, a module that should be edited is missing, the checkpoint is
            quantised or damaged, or the direction has another width.
    """
    plan = plan_edit(source, direction_path, edit)
    if match_change is not None and plan.selected:
        plan = with_change_norm(plan, float(read_json(Path(match_change) / MANIFEST)["change_norm"]))
    state = _fingerprint(plan, direction_path)
    work = PartialDirectory.prepare(Path(output), state)
    records = _bake_shards(plan, work, threads)
    if _fingerprint(plan, direction_path) != state:
        raise DataError(f"{plan.checkpoint.path} has changed while it was read; nothing was written")
    _copy_companions(plan, work.path)
    manifest = manifest_of(plan, records, edit)
    write_json(work.path / MANIFEST, manifest)
    if trusts_remote_code(source):
        ModelPointer(source="edited", path=".", trust_remote_code=True).write(work.path)
    work.commit(Path(output))
    return manifest


def _bake_shards(plan: Plan, work: PartialDirectory, threads: int) -> dict[str, dict[str, Any]]:
    """Write every shard that is not finished yet; return the records of all edited tensors by name."""
    records: dict[str, dict[str, Any]] = {}
    with ThreadPoolExecutor(threads) as pool, ThreadPoolExecutor(1) as flusher:
        flushes = []
        for shard in plan.checkpoint.shards:
            found = work.finished(shard.path.name)
            if found is None:
                found = _bake_shard(plan, shard, work.unfinished(shard.path.name), pool)
                # the disk takes this shard while the next one is worked on
                flushes.append(flusher.submit(work.finish, shard.path.name, found))
            records.update({str(record["name"]): record for record in found})
        for flush in flushes:
            flush.result()
    return records


def _bake_shard(plan: Plan, shard: Shard, path: Path, pool: ThreadPoolExecutor) -> list[dict[str, Any]]:
    """Write one edited shard to ``path``; return the records of its edited tensors."""
    header, sources = _target_layout(plan, shard)
    with ExitStack() as stack:
        source = os.open(shard.path, os.O_RDONLY)
        stack.callback(os.close, source)
        target = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        stack.callback(os.close, target)
        os.truncate(target, len(header) + sum(entry.size for entry in sources))
        os.pwrite(target, header, 0)
        edits: list[Future[TensorRecord]] = []
        copies: list[Future[None]] = []
        offset = len(header)
        for entry in sources:
            site = plan.selected.get(entry.name)
            if site is None:
                copies.append(pool.submit(copy_range, source, target, entry.begin, offset, entry.size))
            else:
                edits.append(pool.submit(_edit_tensor, plan, entry, site, source, target, offset))
            offset += entry.size
        for copy in copies:
            copy.result()
        return [edit.result().to_json() for edit in edits]


def _target_layout(plan: Plan, shard: Shard) -> tuple[bytes, list[TensorEntry]]:
    """Header of the edited shard, and for each of its tensors where its bytes come from.

    The header stays as it was unless the embedding is untied, which adds the head's tensor.
    """
    sources = list(shard.entries)
    holds_embedding = any(entry.name == plan.anatomy.embedding for entry in sources)
    if not (plan.untie and holds_embedding):
        return shard.header, sources
    embedding = next(entry for entry in sources if entry.name == plan.anatomy.embedding)
    head = TensorEntry(plan.anatomy.head, embedding.dtype, embedding.shape, embedding.begin, embedding.end)
    sources.append(head)
    return shard_header(sources, shard.metadata)[0], sources


def _edit_tensor(plan: Plan, entry: TensorEntry, site: Site, source: int, target: int, offset: int) -> TensorRecord:
    editor = TensorEditor(entry, site, matrices_of(entry, site.writer, site.outputs))
    return editor.run(source, target, offset, lambda: plan.edit.update(site, plan.direction))


def _copy_companions(plan: Plan, directory: Path) -> None:
    """Carry over everything that is not a weight: configuration, tokenizer, chat template, licence."""
    copy_companions(plan.checkpoint, directory)
    if plan.untie:
        write_json(directory / "config.json", untied_config(plan.checkpoint.config))
        if plan.checkpoint.index_file:
            write_json(directory / plan.checkpoint.index_file, _untied_index(plan))


def untied_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration whose head has weights of its own; multimodal ones say so in two places."""
    changed = {**config, "tie_word_embeddings": False}
    if "text_config" in config:
        changed["text_config"] = {**config["text_config"], "tie_word_embeddings": False}
    return changed


def _untied_index(plan: Plan) -> dict[str, Any]:
    index = dict(plan.checkpoint.index)
    stream = plan.anatomy
    embedding = plan.checkpoint.entries[stream.embedding]
    metadata = dict(index.get("metadata", {}))
    if "total_size" in metadata:
        metadata["total_size"] += embedding.size
    if "total_parameters" in metadata:
        metadata["total_parameters"] += embedding.count
    weight_map = {**index["weight_map"], stream.head: index["weight_map"][stream.embedding]}
    return {**index, "metadata": metadata, "weight_map": weight_map}


def _fingerprint(plan: Plan, direction_path: str | Path) -> str:
    """What the result depends on: the source's files as they are now, the direction and the edit."""
    stats = [(shard.path.name, shard.path.stat()) for shard in plan.checkpoint.shards]
    files = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    facts = [VERSION, str(plan.checkpoint.path.resolve()), files, sha256_file(direction_path), repr(plan.edit)]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
