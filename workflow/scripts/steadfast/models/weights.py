"""Weight files of a checkpoint directory and their content, determined in this module only.

The rule is that of transformers for safetensors: the file that ``transformers_weights`` in ``config.json`` names, else
``model.safetensors``, else the shards that ``model.safetensors.index.json`` lists. All other files (pickles, another
layout in ``consolidated.safetensors``, ...) are ignored. A directory for which other loaders would choose different
files is rejected: vLLM takes the shards of an index where transformers takes the single file.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.core.files import read_json
from steadfast.models.shards import Shard, TensorEntry, read_shard, require_content

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
CONFIG = "config.json"
ADAPTER = "adapter_config.json"
SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".onnx", ".h5", ".msgpack", ".npz")
UNFINISHED = (".incomplete", ".part", ".aria2", ".crdownload", ".tmp")
BLOCK_BYTES = 2**24
NO_COMPANIONS = (*SUFFIXES, *UNFINISHED, ".index.json")
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's configuration, its shards and which shard holds which tensor.

    Attributes:
        path: its directory.
        config: its ``config.json``.
        shards: its files of weights.
        index_file: name of its index of shards; empty if it has none.
        index: what that holds.
    """

    path: Path
    config: Mapping[str, Any]
    shards: tuple[Shard, ...]
    index_file: str
    index: Mapping[str, Any]

    @cached_property
    def entries(self) -> dict[str, TensorEntry]:
        """All tensors by name."""
        return {entry.name: entry for shard in self.shards for entry in shard.entries}

    @cached_property
    def _homes(self) -> dict[str, Shard]:
        return {entry.name: shard for shard in self.shards for entry in shard.entries}

    def shard_of(self, tensor: str) -> Shard:
        """The shard that holds a tensor."""
        return self._homes[tensor]

    @property
    def parameters(self) -> int:
        """Number of stored numbers."""
        return sum(entry.count for entry in self.entries.values())

    def loaded_bytes(self, float_bytes: int | None = None) -> int:
        """Bytes of all tensors, those of floating-point numbers with ``float_bytes`` each, or as stored if None."""
        return sum(
            entry.count * float_bytes if float_bytes and entry.dtype in FLOATS else entry.size
            for entry in self.entries.values()
        )


def open_checkpoint(path: Path) -> Checkpoint:
    """Read the configuration, the index and the shards' headers of a checkpoint directory.

    Raises:
        DataError: there are no safetensors weights, there are two sets of them, a shard is missing or damaged, or the
            index does not say what the shards hold.
    """
    config = read_config(path)
    index_file, names = _weights(path, config)
    index = read_json(path / index_file) if index_file else {}
    checkpoint = Checkpoint(path, config, tuple(read_shard(path / name) for name in names), index_file, index)
    _require_each_tensor_once(checkpoint)
    if index_file:
        _require_index_holds(checkpoint)
    return checkpoint


def same_bytes(checkpoint: Checkpoint, first: str, second: str) -> bool:
    """Whether two stored tensors have the same format, shape and content."""
    entries = [checkpoint.entries[name] for name in (first, second)]
    if len({(entry.dtype, entry.shape) for entry in entries}) > 1:
        return False
    with ExitStack() as stack:
        files = [stack.enter_context(checkpoint.shard_of(entry.name).path.open("rb")) for entry in entries]
        for file, entry in zip(files, entries, strict=True):
            file.seek(entry.begin)
        for start in range(0, entries[0].size, BLOCK_BYTES):
            size = min(BLOCK_BYTES, entries[0].size - start)
            if files[0].read(size) != files[1].read(size):
                return False
    return True


def require_files(path: Path) -> Checkpoint:
    """Check that the files of a checkpoint directory exist and are complete, without checking their combined content.

    Raises:
        DataError: naming the file, and what to do.
    """
    checkpoint = open_checkpoint(path)
    files = checkpoint_files(path)
    for file in files:
        require_content(file)
    if not any(file.name.startswith("tokenizer") or file.name == "tekken.json" for file in files):
        raise DataError(f"{path} has no tokenizer files")
    return checkpoint


def read_config(path: Path) -> dict[str, Any]:
    """The ``config.json`` of a checkpoint directory.

    Raises:
        DataError: it is missing or invalid.
    """
    file = path / CONFIG
    if not file.is_file():
        raise DataError(f"{path} is not a checkpoint: {CONFIG} is missing{_what_it_is(path)}")
    require_content(file)
    config = read_json(file)
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise DataError(f"{file} names no `model_type`, so that it is not known what the model is")
    return config


def checkpoint_files(path: Path) -> list[Path]:
    """Every file that makes up the checkpoint of a directory: its weights by the rule, and what accompanies them.

    Raises:
        DataError: as ``open_checkpoint``, without the contents of the shards.
    """
    index_file, names = _weights(path, read_config(path))
    return sorted({*companion_files(path), *(path / name for name in (index_file, *names) if name)})


def companion_files(path: Path) -> Iterator[Path]:
    """The visible files of a checkpoint directory that hold no weights: configuration, tokenizer, template, ..."""
    for file in sorted(path.iterdir()):
        if file.is_file() and not file.name.startswith(".") and not file.name.endswith(NO_COMPANIONS):
            yield file


def _weights(path: Path, config: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Name of the index, empty if there is none, and the names of the files of weights."""
    if (path / ADAPTER).is_file():
        raise DataError(
            f"{path} has {ADAPTER}, for which loaders take the weights of the adapter's own base model: merge the "
            "adapter, or move its files to another folder"
        )
    named = config.get("transformers_weights")
    if named:
        return _index_or_file(path, str(named))
    has_index = (path / INDEX).is_file()
    if (path / SINGLE).is_file():
        if has_index and set(_listed(path, INDEX)) != {SINGLE}:
            raise DataError(
                f"{path} contains two sets of weights, {SINGLE} and the shards of {INDEX}, and loaders differ in which "
                "they use: delete the outdated one"
            )
        return INDEX if has_index else "", [SINGLE]
    if has_index:
        return _index_or_file(path, INDEX)
    raise DataError(f"{path} has neither {SINGLE} nor {INDEX}{_what_it_is(path)}")


def _index_or_file(path: Path, name: str) -> tuple[str, list[str]]:
    if Path(name).name != name:
        raise DataError(f"{path / CONFIG}: `transformers_weights` must name a file of the directory; found {name!r}")
    if not name.endswith(".safetensors.index.json"):
        return "", [name]
    names = _listed(path, name)
    missing = [file for file in names if not (path / file).is_file()]
    if missing:
        raise DataError(
            f"{path} is not complete: {len(missing)} of the {len(names)} files of {name} are missing, for example "
            f"{missing[0]}; download {'them' if len(missing) > 1 else 'it'} again"
        )
    return name, names


def _listed(path: Path, index: str) -> list[str]:
    """The files that an index lists."""
    require_content(path / index)
    content = read_json(path / index)
    weight_map = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise DataError(f"{path / index} has no `weight_map`; download it again")
    return sorted(set(map(str, weight_map.values())))


def _require_each_tensor_once(checkpoint: Checkpoint) -> None:
    seen: dict[str, Path] = {}
    for shard in checkpoint.shards:
        for entry in shard.entries:
            other = seen.setdefault(entry.name, shard.path)
            if other != shard.path:
                raise DataError(
                    f"{checkpoint.path} holds {entry.name} twice, in {other.name} and in {shard.path.name}; its files "
                    "come from different checkpoints: download them again"
                )


def _require_index_holds(checkpoint: Checkpoint) -> None:
    weight_map: Mapping[str, str] = checkpoint.index["weight_map"]
    file = checkpoint.path / checkpoint.index_file
    entries = checkpoint.entries
    absent = [name for name in weight_map if name not in entries]
    if absent:
        raise DataError(
            f"{file} names {len(absent)} absent tensor(s), for example {min(absent)}; the "
            "index and the shards come from different checkpoints: download them again"
        )
    elsewhere = [name for name, shard in weight_map.items() if checkpoint.shard_of(name).path.name != shard]
    unlisted = [name for name in entries if name not in weight_map]
    for names, words in ((elsewhere, "are in another file than it says"), (unlisted, "are not in it")):
        if names:
            raise DataError(
                f"{file} is out of date: {len(names)} of the shards' tensors {words}, for "
                f"example {min(names)}; download the checkpoint again"
            )


def _what_it_is(path: Path) -> str:
    """What a directory without weights that can be read seems to be, and what to do, for the end of a message."""
    names = {file.name for file in path.iterdir()} if path.is_dir() else set()
    kinds = (
        ("is a LoRA adapter, which goes with a model (`source: adapter`)", lambda name: name.startswith("adapter_")),
        ("is a GGUF file (`source: gguf`)", lambda name: name.endswith(".gguf")),
        ("is a download that has not finished: download it again", lambda name: name.endswith(UNFINISHED)),
        (
            "is in the layout of another library: convert it to that of transformers",
            lambda name: name.startswith("consolidated") and name.endswith((".safetensors", ".pth")),
        ),
        (
            f"cannot be distinguished from others without {INDEX}: download the checkpoint again, or rename a single "
            f"file to {SINGLE}",
            lambda name: name.endswith(".safetensors"),
        ),
        (
            "holds pickled weights, which can run code and are not loaded: convert them with "
            "`AutoModelForCausalLM.from_pretrained(...).save_pretrained(...)`",
            lambda name: name.endswith((".bin", ".pt", ".pth", ".ckpt")),
        ),
    )
    for words, matches in kinds:
        found = sorted(filter(matches, names))
        if found:
            return f"; its {found[0]} {words}"
    return ""
