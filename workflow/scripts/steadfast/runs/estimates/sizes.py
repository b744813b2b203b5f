"""How large the models of a grid are, from the headers of their files; no weights are read, and torch is not needed.

Before a model is in its place its size is looked up where it comes from: in a checkpoint directory or a GGUF file of
this machine or of the hub's cache, of an adapter in its base, of a package in the lock. Of what lies on the hub alone
nothing is known without a network, which is asked only by ``steadfast.runs.estimates.needs``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.grid import paths
from steadfast.models.gguf.support import native_dtype
from steadfast.models.packages import pin_of
from steadfast.models.pointer import checkpoint_path
from steadfast.models.sources import source_of
from steadfast.models.sources.gguf import known_header
from steadfast.models.weights import CONFIG, open_checkpoint

NARROW_BYTES = 2
BYTES = {"float32": 4, "bfloat16": NARROW_BYTES, "float16": NARROW_BYTES}
# the tiny models have about a million, whatever their recipe
ORGANISM = 1_000_000


@dataclass(frozen=True)
class ModelSize:
    """The size of a model.

    Attributes:
        parameters: number of its parameters.
        stored: bytes of its weights as the workflow stores or points to them.
    """

    parameters: int
    stored: int

    def loaded(self, dtype: str = "auto") -> int:
        """Bytes of its weights in memory, in a number format of the configuration; ``auto``: as stored."""
        return self.parameters * BYTES[dtype] if dtype in BYTES else self.stored


@dataclass(frozen=True)
class ModelSizes:
    """Sizes of the models of a configuration; what was found once is not looked up again.

    Attributes:
        models: the section ``models`` of the configuration.
        directory: where the workflow keeps its models.
        found: sizes by name; who knows more, from the hub for example, adds them.
    """

    models: Mapping[str, Mapping[str, Any]]
    directory: Path = Path(paths.MODEL).parent
    found: dict[str, ModelSize] = field(default_factory=dict)

    def of(self, name: str) -> ModelSize | None:
        """Size of a model; None where nothing tells it yet."""
        if name not in self.found:
            size = self._look_up(name)
            if size is None:
                return None
            self.found[name] = size
        return self.found[name]

    def _look_up(self, name: str) -> ModelSize | None:
        entry = self.models[name]
        try:
            if (self.directory / name).is_dir():
                return checkpoint_size(checkpoint_path(self.directory / name))
            base = source_of(entry).base(entry)
            if base is not None:
                return self.of(base)
            at_source = AT_ITS_SOURCE.get(entry["source"])
            return at_source(entry) if at_source else None
        except DataError:
            # whoever needs the model says what is wrong with it
            return None


def checkpoint_size(directory: Path) -> ModelSize:
    """Size of a checkpoint.

    Raises:
        DataError: it is none, or damaged.
    """
    checkpoint = open_checkpoint(directory)
    return ModelSize(checkpoint.parameters, checkpoint.loaded_bytes())


def _of_organism(_entry: Mapping[str, Any]) -> ModelSize:
    return ModelSize(ORGANISM, ORGANISM * BYTES["float32"])


def _of_directory(entry: Mapping[str, Any]) -> ModelSize:
    return checkpoint_size(Path(entry["path"]))


def _in_the_cache(entry: Mapping[str, Any]) -> ModelSize | None:
    from steadfast.models.download import cached_file

    file = cached_file(entry["repo"], entry.get("revision", "main"), CONFIG)
    return checkpoint_size(file.parent) if file else None


def written_out(parameters: int, dtype: str) -> ModelSize:
    """Size of the checkpoint that a GGUF file becomes; ``auto`` is a 16-bit format, unless the file itself says."""
    return ModelSize(parameters, parameters * BYTES.get(dtype, NARROW_BYTES))


def _of_gguf(entry: Mapping[str, Any]) -> ModelSize | None:
    """Size of the checkpoint that a GGUF file is written out as."""
    dtype, header = entry["dtype"], known_header(entry)
    if "package" in entry:
        parameters = pin_of(entry["package"]).facts.get("parameters")
    else:
        parameters = sum(tensor.count for tensor in header.tensors) if header else None
    if parameters is None:
        return None
    native = native_dtype(header) if header else None
    return written_out(parameters, native if native and dtype == "auto" else dtype)


AT_ITS_SOURCE: Mapping[str, Callable[[Mapping[str, Any]], ModelSize | None]] = {
    "organism": _of_organism,
    "local": _of_directory,
    "hub": _in_the_cache,
    "gguf": _of_gguf,
}
