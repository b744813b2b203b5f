"""How large the models of a grid are, from the headers of their files; no weights are read, and torch is not needed.

Before a model is created, its size is looked up at its source: a local or cached checkpoint directory or GGUF file, the
base of an adapter, or the lock of a package. Sizes of models that are only on the hub require the network, which only
``steadfast.runs.estimates.needs`` uses.
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
    """Sizes of the models of a configuration, cached.

    Attributes:
        models: the section ``models`` of the configuration.
        directory: folder of the workflow's models.
        found: known sizes by name; other sources, such as the hub, may add more.
    """

    models: Mapping[str, Mapping[str, Any]]
    directory: Path = Path(paths.MODEL).parent
    found: dict[str, ModelSize] = field(default_factory=dict)

    def of(self, name: str) -> ModelSize | None:
        """Size of a model; None if unknown."""
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
            # errors are reported by the steps that need the model
            return None
