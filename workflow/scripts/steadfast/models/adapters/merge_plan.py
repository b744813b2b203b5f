"""Plan of a merge: the changes of the base, from headers alone, before anything is written."""

import math
from dataclasses import dataclass
from pathlib import Path

from steadfast.core.errors import DataError
from steadfast.models.adapters.settings import read_settings
from steadfast.models.adapters.weights import AdapterUpdate, read_changes
from steadfast.models.architectures import anatomy
from steadfast.models.checkpoint_files.quantization import quantization_of
from steadfast.models.checkpoint_files.rewriting import has_own_head
from steadfast.models.pointer import trusts_remote_code, weights_path
from steadfast.models.shards import TensorEntry
from steadfast.models.weights import Checkpoint, open_checkpoint


@dataclass(frozen=True)
class Merge:
    """Planned changes of a base.

    Attributes:
        base: the base's checkpoint.
        adapter: the adapter's directory.
        changes: changes by name of the tensor.
        embedding: name of the token embedding.
        head: name of the output head's tensor, stored or not.
        unties: whether the head gets separate weights, since the base ties it to the embedding and the adapter changes
            the two differently.
        trust_remote_code: whether the base, and therefore the result, may run its own code.
    """

    base: Checkpoint
    adapter: Path
    changes: dict[str, AdapterUpdate]
    embedding: str
    head: str
    unties: bool
    trust_remote_code: bool

    def merged_entry(self, name: str, origin: TensorEntry) -> TensorEntry:
        """Name, storage dtype, shape and size of a merged tensor.

        Args:
            name: name of the tensor.
            origin: the base's tensor that it comes from (the embedding, if the head is untied).
        """
        replacement = self.changes[name].replacement
        shape = replacement.shape if replacement else origin.shape
        return TensorEntry(name, origin.dtype, shape, 0, math.prod(shape) * (origin.size // origin.count))


def plan_merge(base: str | Path, adapter: Path) -> Merge:
    """Plan a merge.

    Raises:
        DataError: as ``merge_adapter``.
    """
    settings = read_settings(adapter)
    checkpoint = open_checkpoint(weights_path(base))
    method = quantization_of(checkpoint.config)
    if method:
        raise DataError(
            f"{checkpoint.path} is quantized ({method}), so nothing can be merged into its weights; set dequantize: "
            "true on the base model to have it written out as bfloat16"
        )
    stream = anatomy(checkpoint.config, checkpoint.entries)
    changes = read_changes(adapter, settings, checkpoint.entries, stream.head if stream.tied else None)
    plan = Merge(
        base=checkpoint,
        adapter=adapter,
        changes=changes,
        embedding=stream.embedding,
        head=stream.head,
        unties=not has_own_head(checkpoint.config) and not {stream.embedding, stream.head}.isdisjoint(changes),
        trust_remote_code=trusts_remote_code(base),
    )
    for name, change in changes.items():
        _require_fit(plan, name, change)
    return plan


def _require_fit(plan: Merge, name: str, change: AdapterUpdate) -> None:
    origin = plan.base.entries[name if name in plan.base.entries else plan.embedding]
    shape = plan.merged_entry(name, origin).shape
    grows = name in (plan.embedding, plan.head) and shape[1:] == origin.shape[1:]
    if shape != origin.shape and not grows:
        raise DataError(f"{plan.adapter}: {name} has shape {list(shape)}, the base's {list(origin.shape)}")
    if change.update is not None:
        out, into = change.update.up.shape[0], change.update.down.shape[1]
        expected = (into, out) if change.update.transposed else (out, into)
        if expected != shape:
            raise DataError(
                f"{plan.adapter}: the update of {name} has shape {list(expected)}, the base's {list(shape)}"
            )
    if change.bias is not None and change.bias[0].shape != shape:
        raise DataError(f"{plan.adapter}: the bias of {name} has shape {list(change.bias[0].shape)}, not {list(shape)}")
