"""``adapter_model.safetensors``: changes by tensor of the base."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from steadfast.core.errors import DataError
from steadfast.models.adapters.settings import CONFIG, WEIGHTS, LoraSettings
from steadfast.models.checkpoint_files.dtypes import STORAGE
from steadfast.models.shards import TensorEntry, read_shard

PREFIX = "base_model.model."
ROLE = re.compile(
    r"(?P<module>.+)\.(?P<role>lora_A\.weight|lora_B\.weight|lora_B\.bias|lora_embedding_A|lora_embedding_B)$"
)
OTHER_METHODS = re.compile(r"\.(lora_magnitude_vector|trainable_tokens|lora_[A-Za-z_]+)")
NAMED = 5
"""Maximum number of names in a message."""


@dataclass(frozen=True)
class LowRank:
    """An update B·A.

    Attributes:
        down: A, [rank, in].
        up: B, [out, rank].
        scaling: its factor.
        transposed: whether the weight is stored as [in, out].
    """

    down: TensorEntry
    up: TensorEntry
    scaling: float
    transposed: bool


@dataclass(frozen=True)
class AdapterUpdate:
    """Change of one tensor of the base.

    Attributes:
        replacement: tensor of the adapter that replaces it, or None.
        update: low-rank update that is added to it, or None.
        bias: vector that is added to it, with its factor, or None.
    """

    replacement: TensorEntry | None = None
    update: LowRank | None = None
    bias: tuple[TensorEntry, float] | None = None


def read_changes(
    directory: Path, settings: LoraSettings, base: Mapping[str, TensorEntry], tied_head: str | None
) -> dict[str, AdapterUpdate]:
    """Changes of a base by an adapter, by name of the base's tensor.

    Args:
        directory: directory of the adapter.
        settings: its settings.
        base: the base's tensors by name.
        tied_head: name of the output head's tensor, if it is tied to the embedding and not stored.

    Raises:
        DataError: a tensor of the adapter matches no tensor of the base, or has the wrong shape; or the adapter lacks a
            module that its settings name.
    """
    file = directory / WEIGHTS
    entries = {entry.name: entry for entry in read_shard(file).entries}
    lora, whole = _sorted_out(file, entries)
    changes: dict[str, AdapterUpdate] = {}
    known = {*base, *([tied_head] if tied_head else [])}
    _require_known(file, [f"{module}.weight" for module in lora] + list(whole), known)
    for module, roles in lora.items():
        changes[f"{module}.weight"] = AdapterUpdate(update=_low_rank(file, module, roles, settings))
        if "lora_B.bias" in roles:
            changes[f"{module}.bias"] = AdapterUpdate(bias=(roles["lora_B.bias"], settings.scaling(module)))
            _require_known(file, [f"{module}.bias"], known)
    for name, entry in whole.items():
        earlier = changes.get(name, AdapterUpdate())
        changes[name] = AdapterUpdate(entry, earlier.update, earlier.bias)
    _require_all(directory, settings, base, changes)
    return changes


def _sorted_out(
    file: Path, entries: Mapping[str, TensorEntry]
) -> tuple[dict[str, dict[str, TensorEntry]], dict[str, TensorEntry]]:
    """The parts of updates by module and role, and the whole tensors by the name in the base."""
    lora: dict[str, dict[str, TensorEntry]] = {}
    whole: dict[str, TensorEntry] = {}
    for key, entry in entries.items():
        if entry.dtype not in STORAGE:
            raise DataError(f"{file}: {key} is stored as {entry.dtype}; only {', '.join(STORAGE)} can be merged")
        if not key.startswith(PREFIX):
            raise DataError(f"{file}: {key} is not a tensor of a PEFT adapter: its name does not begin with {PREFIX}")
        name = key.removeprefix(PREFIX)
        if match := ROLE.fullmatch(name):
            lora.setdefault(match["module"], {})[match["role"]] = entry
        elif match := OTHER_METHODS.search(name):
            raise DataError(f"{file}: {key} belongs to {match[1]!r}, which cannot be merged exactly")
        else:
            whole[name.replace(".base_layer.", ".")] = entry
    return lora, whole


def _low_rank(file: Path, module: str, roles: Mapping[str, TensorEntry], settings: LoraSettings) -> LowRank:
    embedding = "lora_embedding_A" in roles or "lora_embedding_B" in roles
    names = ("lora_embedding_A", "lora_embedding_B") if embedding else ("lora_A.weight", "lora_B.weight")
    for name in names:
        if name not in roles:
            raise DataError(f"{file}: {module} lacks its {name}")
    down, up = (roles[name] for name in names)
    rank = settings.rank_of(module)
    if len(down.shape) != 2 or len(up.shape) != 2 or (down.shape[0], up.shape[1]) != (rank, rank):
        shapes = f"{list(up.shape)} and {list(down.shape)}"
        raise DataError(f"{file}: {module} has B and A of the shapes {shapes}; {CONFIG} says rank {rank}")
    # the rows of an embedding are its inputs
    return LowRank(down, up, settings.scaling(module), transposed=embedding or settings.fan_in_fan_out)


def _require_known(file: Path, names: Collection[str], known: Collection[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise DataError(f"{file}: the base has no tensor for {_listed(unknown)}; was it trained on another model?")


def _require_all(
    directory: Path, settings: LoraSettings, base: Mapping[str, TensorEntry], changes: Mapping[str, AdapterUpdate]
) -> None:
    missing = [name for name in _asked_for(settings, base) if name not in changes]
    if missing:
        raise DataError(f"{directory}: {CONFIG} asks for modules that {WEIGHTS} lacks: {_listed(missing)}")


def _asked_for(settings: LoraSettings, base: Mapping[str, TensorEntry]) -> Iterator[str]:
    """Tensors of the base that the settings name."""
    for name, entry in base.items():
        module, _, kind = name.rpartition(".")
        if kind == "weight" and (settings.replaces(module) or (len(entry.shape) == 2 and settings.adapts(module))):
            yield name


def _listed(names: Collection[str]) -> str:
    listed = ", ".join(list(names)[:NAMED])
    return f"{listed} and {len(names) - NAMED} more" if len(names) > NAMED else listed
