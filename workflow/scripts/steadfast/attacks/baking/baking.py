"""Baking: an edited copy of a checkpoint. Tensors that the edit does not change are copied as bytes."""

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from steadfast.attacks.baking.adapter_export import why_no_adapter, write_adapter
from steadfast.attacks.baking.edit_plan import Plan, plan_edit, with_change_norm
from steadfast.attacks.baking.manifest import manifest_of
from steadfast.attacks.baking.tensors import TensorEditor
from steadfast.attacks.edits import Site
from steadfast.core.errors import DataError
from steadfast.core.files import atomic_directory, read_json, sha256_file, write_json
from steadfast.core.integrity import content_hash
from steadfast.core.progress import IN_BYTES, Progress
from steadfast.models.checkpoint_files.arrays import write_all
from steadfast.models.checkpoint_files.copying import PartialDirectory, copy_companions
from steadfast.models.checkpoint_files.matrices import matrices_of
from steadfast.models.checkpoint_files.rewriting import (
    ShardTensor,
    changed_index,
    copied,
    rewrite_shards,
    untied_config,
)
from steadfast.models.checkpoint_files.stored_updates import FILE, TensorUpdate, save_updates
from steadfast.models.edited import MANIFEST
from steadfast.models.pointer import point_to_edited, point_to_updated
from steadfast.models.shards import Shard, TensorEntry

Form = Literal["auto", "bake", "factors", "adapter"]
AUTO: Form = "auto"
BAKE: Form = "bake"
FACTORS: Form = "factors"
ADAPTER: Form = "adapter"
VERSION = 1  # version of the records in a partial directory; raise it when their meaning changes


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
        edit: the ``edit`` entry: ``method`` and its settings.
        output: directory to write; replaced if it exists.
        match_change: another edited checkpoint of the same model; the edit is scaled so that it changes the weights by
            the same amount (‖W′ − W‖), to control for the size of the change.
        threads: number of tensors processed in parallel.

    Returns:
        The manifest. A residual outside its tolerance is recorded there (``effective`` is false) and does not raise.

    Raises:
        ConfigError: the edit's settings do not fit the model.
        DataError: the architecture is unknown, a module that should be edited is missing, the checkpoint is
            quantized or damaged, or the direction has another width.
    """
    return write_edited(source, direction_path, edit, output, form=BAKE, match_change=match_change, threads=threads)


def keep_factors(
    source: str | Path,
    direction_path: str | Path,
    edit: Mapping[str, Any],
    output: str | Path,
    *,
    match_change: str | Path | None = None,
    threads: int = 2,
) -> dict[str, Any]:
    """Write an edited model as low-rank updates of the original's tensors, with the manifest of ``bake``.

    Loading the directory gives exactly the weights that ``bake`` would have written, at a thousandth of the disk space.

    Args, Returns, Raises:
        As ``bake``.
    """
    return write_edited(source, direction_path, edit, output, form=FACTORS, match_change=match_change, threads=threads)


def write_edited(
    source: str | Path,
    direction_path: str | Path,
    edit: Mapping[str, Any],
    output: str | Path,
    *,
    form: Form = AUTO,
    as_adapter: bool = False,
    match_change: str | Path | None = None,
    threads: int = 2,
) -> dict[str, Any]:
    """Write an edited model in the configured form.

    Args:
        source: see ``bake``, as the others.
        direction_path: the same.
        edit: the same.
        output: the same.
        form: ``bake`` writes a whole checkpoint, ``factors`` only the changes of the original's weights (see
            ``keep_factors``); ``auto`` keeps factors if they can be applied to a loaded model; ``adapter`` also writes
            them as a LoRA adapter in PEFT's format, and accepts no other edit.
        as_adapter: whether ``auto`` also requires that a LoRA adapter can express them, for vLLM.
        match_change: see ``bake``.
        threads: the same.

    Returns:
        As ``bake``.

    Raises:
        DataError: as ``bake``, and if an adapter is required but cannot express the edit.
        ConfigError: as ``bake``.
    """
    plan = plan_edit(source, direction_path, edit)
    if match_change is not None and plan.selected:
        plan = with_change_norm(plan, float(read_json(Path(match_change) / MANIFEST)["change_norm"]))
    state = _fingerprint(plan, direction_path)
    problem = why_not_in_place(plan) if form in (AUTO, ADAPTER) else ""
    if form != BAKE and not problem:
        records, updates = _factors(plan, threads)
        adapted = form == ADAPTER or (form == AUTO and as_adapter)
        problem = why_no_adapter(updates) if adapted and updates else ""
        if not problem:
            _require_unchanged(plan, direction_path, state)
            manifest = manifest_of(plan, records, edit)
            with atomic_directory(output) as temporary:
                save_updates(temporary / FILE, updates)
                write_json(temporary / MANIFEST, manifest)
                if form == ADAPTER and updates:
                    write_adapter(updates, temporary, str(plan.checkpoint.path.resolve()))
                point_to_updated(source, temporary, Path(output), FILE, {"original": content_hash(source)})
            return manifest
    if form == ADAPTER:
        raise DataError(
            f"an adapter cannot express the edit: {problem}; what can is a whole checkpoint (`checkpoints: auto` or "
            "`bake`, or an export as `checkpoint`)"
        )
    if problem:
        print(f"the whole checkpoint is written: {problem}", flush=True)
    work = PartialDirectory.prepare(Path(output), state)
    records = rewrite_shards(plan.checkpoint, partial(_parts_of, plan), work, threads)
    _require_unchanged(plan, direction_path, state)
    _copy_companions(plan, work.path)
    manifest = manifest_of(plan, records, edit)
    write_json(work.path / MANIFEST, manifest)
    point_to_edited(source, work.path)
    work.commit(Path(output))
    return manifest


def why_not_in_place(plan: Plan) -> str:
    """Why an edit's factors could not be applied to the loaded model; empty if they can.

    transformers stacks the experts of most architectures when it loads them, and renames the modules inside a
    multimodal wrapper.
    """
    if "text_config" in plan.checkpoint.config:
        return "transformers may load the text model of a multimodal one under other names"
    expert = next((site.writer.name for site in plan.selected.values() if site.writer.expert), "")
    return f"transformers may stack {expert} with other experts" if expert else ""


def _factors(plan: Plan, threads: int) -> tuple[dict[str, dict[str, Any]], dict[str, TensorUpdate]]:
    """Record and update of every edited tensor, by its name."""
    updates: dict[str, TensorUpdate] = {}
    records: dict[str, dict[str, Any]] = {}
    sizes = [plan.checkpoint.entries[name].size for name in plan.selected]
    with (
        ThreadPoolExecutor(threads) as pool,
        Progress("tensors", len(sizes), unit=IN_BYTES, work=sum(sizes)) as progress,
    ):
        found = zip(plan.selected, pool.map(partial(_update_of, plan), plan.selected), strict=True)
        for name, (records[name], updates[name]) in found:
            progress.advance(1, plan.checkpoint.entries[name].size)
    return records, updates


def _update_of(plan: Plan, name: str) -> tuple[dict[str, Any], TensorUpdate]:
    entry, site = plan.checkpoint.entries[name], plan.selected[name]
    editor = TensorEditor(entry, site, matrices_of(entry, site.writer, site.outputs))
    descriptor = os.open(plan.checkpoint.shard_of(name).path, os.O_RDONLY)
    try:
        record = editor.run(descriptor, lambda: plan.edit.update(site, plan.direction))
    finally:
        os.close(descriptor)
    return record.to_json(), TensorUpdate(editor.matrices, tuple(editor.factors), record.target, record.sha256)


def _parts_of(plan: Plan, shard: Shard) -> list[ShardTensor]:
    """The tensors of the edited shard; if the embedding is untied, the head gets the original bytes."""
    parts = []
    for entry in shard.entries:
        site = plan.selected.get(entry.name)
        parts.append(copied(entry) if site is None else ShardTensor(entry, partial(_edit_tensor, plan, entry, site)))
    if plan.untie and plan.anatomy.tied:
        embeddings = [entry for entry in shard.entries if entry.name == plan.anatomy.embedding]
        parts += [copied(entry, plan.anatomy.head) for entry in embeddings]
    return parts


def _edit_tensor(plan: Plan, entry: TensorEntry, site: Site, source: int, target: int, offset: int) -> dict[str, Any]:
    editor = TensorEditor(entry, site, matrices_of(entry, site.writer, site.outputs))

    def write(rows: NDArray[Any], before: int) -> None:
        write_all(target, rows, offset + before)

    return editor.run(source, lambda: plan.edit.update(site, plan.direction), write).to_json()


def _copy_companions(plan: Plan, directory: Path) -> None:
    """Copy everything except weights: configuration, tokenizer, chat template, license."""
    copy_companions(plan.checkpoint, directory)
    if plan.untie:
        write_json(directory / "config.json", untied_config(plan.checkpoint.config))
        if plan.checkpoint.index_file:
            shards = {
                shard.path.name: [part.entry for part in _parts_of(plan, shard)] for shard in plan.checkpoint.shards
            }
            write_json(directory / plan.checkpoint.index_file, changed_index(plan.checkpoint, shards))


def _require_unchanged(plan: Plan, direction_path: str | Path, state: str) -> None:
    """Check that no input has changed since ``state`` was taken."""
    if _fingerprint(plan, direction_path) != state:
        raise DataError(f"{plan.checkpoint.path} has changed while it was read; nothing was written")


def _fingerprint(plan: Plan, direction_path: str | Path) -> str:
    """Fingerprint of the inputs: the source's current files, the direction and the edit."""
    stats = [(shard.path.name, shard.path.stat()) for shard in plan.checkpoint.shards]
    files = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    facts = [VERSION, str(plan.checkpoint.path.resolve()), files, sha256_file(direction_path), repr(plan.edit)]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
