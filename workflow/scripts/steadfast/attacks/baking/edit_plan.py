"""Plan of an edit: which tensors of a checkpoint it changes, from headers alone, before anything is written."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadfast.attacks.baking.tensors import TensorEditor
from steadfast.attacks.directions import Direction, load_direction
from steadfast.attacks.edits import Edit, Site, build_edit
from steadfast.core.errors import DataError
from steadfast.models.architectures import Anatomy, Writer, anatomy
from steadfast.models.checkpoint_files.arrays import read_vector, sum_of_squares
from steadfast.models.checkpoint_files.matrices import matrices_of
from steadfast.models.checkpoint_files.quantization import quantization_of
from steadfast.models.checkpoint_files.rewriting import has_own_head
from steadfast.models.pointer import weights_path
from steadfast.models.shards import TensorEntry
from steadfast.models.weights import Checkpoint, open_checkpoint


@dataclass(frozen=True)
class Plan:
    """Planned changes of a checkpoint.

    Attributes:
        checkpoint: the source.
        anatomy: its residual stream.
        edit: the edit.
        direction: the direction.
        selected: the tensors that the edit changes, by name, with their locations.
        untie: whether the embedding is edited while the configuration still ties the head to it; a head without stored
            weights gets a copy of the original embedding.
        scale_factor: factor by which the edit's scale was multiplied to reach a given change of the weights.
    """

    checkpoint: Checkpoint
    anatomy: Anatomy
    edit: Edit
    direction: Direction
    selected: Mapping[str, Site]
    untie: bool
    scale_factor: float = 1.0


def plan_edit(source: str | Path, direction_path: str | Path, edit: Mapping[str, Any]) -> Plan:
    """Plan the changes of a checkpoint by an edit.

    A direction file that holds no valid direction selects nothing.

    Raises:
        ConfigError, DataError: as ``bake``.
    """
    built = build_edit(edit)
    checkpoint = open_checkpoint(weights_path(source))
    method = quantization_of(checkpoint.config)
    if method:
        raise DataError(
            f"{checkpoint.path} is quantized ({method}), so its weights cannot be edited; edit the checkpoint that it "
            "was made from, or set dequantize: true on the model to have it written out as bfloat16"
        )
    entries = checkpoint.entries
    stream = anatomy(checkpoint.config, entries)
    direction = load_direction(direction_path)
    width = direction.directions.shape[1]
    if width != stream.hidden_size:
        raise DataError(f"{direction_path} is {width} wide, the model's residual stream {stream.hidden_size}")
    selected = {
        writer.name: site_of(checkpoint, stream, writer, entries)
        for writer in stream.writers
        if direction.valid and built.selects(writer, stream.depth)
    }
    for site in selected.values():
        built.update(site, direction)  # a mismatch raises here, before anything is written
    own_head = has_own_head(checkpoint.config)
    if own_head and stream.tied:
        raise DataError(
            f"{checkpoint.path} lacks {stream.head}, and its config.json says that the head has weights of its own"
        )
    return Plan(checkpoint, stream, built, direction, selected, untie=stream.embedding in selected and not own_head)


def with_change_norm(plan: Plan, change_norm: float) -> Plan:
    """The same plan with the edit scaled so that ‖W′ − W‖ over all edited tensors is ``change_norm``.

    Reads every matrix that will be edited once. The change of W has the norm of the change of its projection RW, since
    R is orthonormal.

    Raises:
        ConfigError: the edit cannot be scaled.
        DataError: the edit changes nothing, so that no scale reaches the norm.
    """
    total = 0.0
    for name, site in plan.selected.items():
        entry = plan.checkpoint.entries[name]
        editor = TensorEditor(entry, site, matrices_of(entry, site.writer, site.outputs))
        descriptor = os.open(plan.checkpoint.shard_of(name).path, os.O_RDONLY)
        try:
            for index in range(editor.matrices.stack):
                update = plan.edit.update(site, plan.direction)
                editor.observe(descriptor, index, update)
                total += sum_of_squares(update.target() - update.before())
        finally:
            os.close(descriptor)
    if total == 0:
        raise DataError("the edit changes nothing, so it cannot be scaled to a given change of the weights")
    factor = change_norm / float(np.sqrt(total))
    return replace(plan, edit=plan.edit.rescaled(factor), scale_factor=factor)


def site_of(checkpoint: Checkpoint, stream: Anatomy, writer: Writer, entries: Mapping[str, TensorEntry]) -> Site:
    """Site of the matrix of a writer.

    Raises:
        DataError: its norm is missing, or it is stored in a form that cannot be edited.
    """
    matrices = matrices_of(entries[writer.name], writer, stream.hidden_size)
    gain = _norm_weight(checkpoint, writer.norm) + writer.norm_offset if writer.norm else None
    return Site(writer, stream.depth, matrices.outputs, matrices.inputs, gain)


def _norm_weight(checkpoint: Checkpoint, name: str) -> NDArray[np.float64]:
    if name not in checkpoint.entries:
        raise DataError(f"the checkpoint lacks {name}, which scales what a module writes to the residual stream")
    return read_vector(checkpoint.shard_of(name).path, checkpoint.entries[name])
