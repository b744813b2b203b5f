"""How large the models of a grid are, from the headers of their files; no weights are read, and torch is not needed.

Before a model is in its place its size is looked up where it comes from: in a checkpoint directory or a GGUF file of
this machine or of the hub's cache, of an adapter in its base, of a package in the lock. Of what lies on the hub alone
nothing is known without a network, which is asked only by ``steadfast.runs.estimates.needs``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.grid import paths
from steadfast.models.pointer import checkpoint_path
from steadfast.models.size import ModelSize, checkpoint_size
from steadfast.models.sources import source_of


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
            return source_of(entry).size(entry)
        except DataError:
            # whoever needs the model says what is wrong with it
            return None
