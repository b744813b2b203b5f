"""How large the models of a grid are, from the headers of their files; no weights are read, and torch is not needed.

Before a model is in its place its size is looked up where it comes from: in a checkpoint directory or a GGUF file of
this machine, of an adapter in its base. Of the hub and of packages nothing is known without a network, which is asked
only by ``steadfast.estimates.outlook``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steadfast.errors import DataError
from steadfast.gguf.header import read_header
from steadfast.models.pointer import checkpoint_path
from steadfast.models.weights import open_checkpoint

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
    directory: Path = Path("results/models")
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
        stanza = self.models[name]
        match stanza["source"]:
            case "organism":
                return ModelSize(ORGANISM, ORGANISM * BYTES["float32"])
            case "adapter":
                return self.of(stanza["base"])
        try:
            if (self.directory / name).is_dir():
                return checkpoint_size(checkpoint_path(self.directory / name))
            if "path" in stanza:
                return _at_its_source(stanza)
        except DataError:
            # whoever needs the model says what is wrong with it
            return None
        return None


def checkpoint_size(directory: Path) -> ModelSize:
    """Size of a checkpoint.

    Raises:
        DataError: it is none, or damaged.
    """
    checkpoint = open_checkpoint(directory)
    return ModelSize(checkpoint.parameters, checkpoint.loaded_bytes())


def _at_its_source(stanza: Mapping[str, Any]) -> ModelSize:
    if stanza["source"] == "gguf":
        parameters = sum(tensor.count for tensor in read_header(stanza["path"]).tensors)
        return ModelSize(parameters, parameters * BYTES.get(stanza["dtype"], NARROW_BYTES))
    return checkpoint_size(Path(stanza["path"]))
