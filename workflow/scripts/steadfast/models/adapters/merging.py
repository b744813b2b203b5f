"""Merging: W + scaling · B·A, streamed in blocks from the base's shards to new ones."""

import hashlib
import json
import math
import shutil
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.core.files import read_json, sha256_file, write_json
from steadfast.core.registry import load
from steadfast.models.adapters.merge_plan import Merge, plan_merge
from steadfast.models.adapters.settings import CONFIG, WEIGHTS
from steadfast.models.adapters.tensors import merge_tensor
from steadfast.models.checkpoint_files.copying import PartialDirectory, copy_companions
from steadfast.models.checkpoint_files.rewriting import (
    ShardTensor,
    changed_index,
    copied,
    rewrite_shards,
    untied_config,
)
from steadfast.models.local import file_hashes
from steadfast.models.pointer import ModelPointer, chat_of, read_pointer
from steadfast.models.shards import Shard
from steadfast.models.weights import companion_files

VERSION = 1  # version of the records in a partial directory; raise it when their meaning changes
TOKENIZER = ("tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab*", "merges.txt")
TEMPLATE = "chat_template*"
"""Files of an adapter that replace those of its base."""


def merge_adapter(
    base: str | Path,
    adapter: str | Path,
    output: str | Path,
    *,
    details: Mapping[str, Any] | None = None,
    use: Mapping[str, Any] | None = None,
    threads: int = 2,
) -> ModelPointer:
    """Write the base with the adapter merged into its weights to ``output``, with ``model.json``.

    Args:
        base: a model directory of the workflow, or a plain checkpoint directory.
        adapter: directory of a PEFT LoRA adapter.
        output: directory to write; replaced if it exists.
        details: further content of ``model.json``.
        use: intended use: keyword arguments of ``steadfast.models.check.settle``; None skips the check.
        threads: number of tensors processed in parallel.

    Returns:
        Content of ``model.json``.

    Raises:
        DataError: the adapter cannot be merged exactly, does not fit the base or changes nothing; the base is quantized
            or damaged.
    """
    plan = plan_merge(base, Path(adapter))
    hashes = {name: sha256_file(plan.adapter / name) for name in (CONFIG, WEIGHTS)}
    state = _fingerprint(plan, hashes)
    work = PartialDirectory.prepare(Path(output), state)
    records = rewrite_shards(plan.base, partial(_parts_of, plan), work, threads)
    if _fingerprint(plan, hashes) != state:
        raise DataError(f"{plan.base.path} has changed while it was read; nothing was written")
    change = math.sqrt(sum(record["change_norm"] ** 2 for record in records.values()))
    if change == 0:
        raise DataError(f"{plan.adapter} changes nothing: its updates are zero, as before any training")
    _copy_companions(plan, work.path)
    # imported by name, as for linked models
    load("steadfast.models", "check").check_checkpoint(work.path, trust_remote_code=plan.trust_remote_code)
    facts = {"adapter_sha256": hashes, "merged_tensors": len(records), "change_norm": change, "untied": plan.unties}
    pointer = ModelPointer(
        "adapter",
        ".",
        files=file_hashes(work.path),
        trust_remote_code=plan.trust_remote_code,
        details={**(details or {}), **facts},
        chat={} if _own_template(plan.adapter) else chat_of(base),
    )
    pointer.write(work.path)
    if use is not None:
        load("steadfast.models", "check").settle(work.path, **use)
    work.commit(Path(output))
    return read_pointer(output)


def _parts_of(plan: Merge, shard: Shard) -> list[ShardTensor]:
    """The tensors of the merged shard; if the embedding is untied, the head follows it."""
    parts = []
    for entry in shard.entries:
        names = [entry.name]
        if plan.unties and entry.name == plan.embedding and plan.head not in plan.base.entries:
            names.append(plan.head)
        for name in names:
            change = plan.changes.get(name)
            if change is None:
                parts.append(copied(entry, name))
            else:
                target = plan.merged_entry(name, entry)
                parts.append(ShardTensor(target, partial(merge_tensor, plan.adapter / WEIGHTS, change, entry, target)))
    return parts


def _copy_companions(plan: Merge, directory: Path) -> None:
    """Copy the base's other files, then the adapter's tokenizer and template if it has them."""
    copy_companions(plan.base, directory)
    parts = {shard.path.name: [part.entry for part in _parts_of(plan, shard)] for shard in plan.base.shards}
    config = untied_config(plan.base.config) if plan.unties else dict(plan.base.config)
    rows = {entry.shape[0] for entries in parts.values() for entry in entries if entry.name == plan.embedding}
    write_json(directory / "config.json", _with_vocabulary(config, rows))
    if plan.base.index_file:
        write_json(directory / plan.base.index_file, changed_index(plan.base, parts))
    if _own_template(plan.adapter):
        # loaders prefer a separate template file to the tokenizer's settings
        for file in directory.glob(TEMPLATE):
            file.unlink()
    for file in _brought(plan.adapter):
        shutil.copyfile(file, directory / file.name)


def _brought(adapter: Path) -> list[Path]:
    """Files of an adapter that replace those of its base: a complete tokenizer, a chat template."""
    files = list(companion_files(adapter))
    own = [file for file in files if any(fnmatch(file.name, name) for name in TOKENIZER)]
    whole = any(file.name.startswith("tokenizer") for file in own)
    return [file for file in files if (whole and file in own) or fnmatch(file.name, TEMPLATE)]


def _own_template(adapter: Path) -> bool:
    """Whether an adapter has a chat template."""
    settings = adapter / "tokenizer_config.json"
    inside = settings.is_file() and bool(read_json(settings).get("chat_template"))
    return inside or any(fnmatch(file.name, TEMPLATE) for file in companion_files(adapter))


def _with_vocabulary(config: dict[str, Any], rows: Iterable[int]) -> dict[str, Any]:
    """The configuration with the size of an embedding that has grown."""
    for size in rows:
        if "vocab_size" in config:
            config["vocab_size"] = size
        if "text_config" in config:
            config["text_config"] = _with_vocabulary(dict(config["text_config"]), [size])
    return config


def _fingerprint(plan: Merge, hashes: Mapping[str, str]) -> str:
    """Fingerprint of the inputs: the base's current files, and the adapter."""
    stats = [(shard.path.name, shard.path.stat()) for shard in plan.base.shards]
    files = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    facts = [VERSION, str(plan.base.path.resolve()), files, dict(hashes)]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
