"""One model in memory for all its variants: the original's weights load once, and edits kept as factors change them.

A job that works on several variants of a model one after the other would load each again. Within ``resident_model`` a
variant whose directory holds factors over the weights that are in memory is made by changing these in place, and the
next one begins from the original's weights, restored to the bit.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from transformers import PreTrainedModel

from steadfast.core.registry import load
from steadfast.models import loading
from steadfast.models.checkpoint_files.stored_updates import load_updates
from steadfast.models.number_format import settle_format
from steadfast.models.pointer import checkpoint_path, update_file
from steadfast.models.updating import updated
from steadfast.models.weights import open_checkpoint

Key = tuple[Path, str, str]


class ResidentModel:
    """The model in memory; a model that it gave is no longer to be used once it has given another."""

    def __init__(self) -> None:
        """Begin with an empty memory."""
        self.loads = 0
        self._key: Key | None = None
        self._model: PreTrainedModel | None = None
        self._changes = ExitStack()

    def load(self, directory: str | Path, dtype: str, device: str) -> PreTrainedModel:
        """See ``steadfast.models.loading.load_model``."""
        self._changes.close()
        path = checkpoint_path(directory)
        key = (path.resolve(), settle_format(directory, dtype, device).name, device)
        if key != self._key:
            self.clear()
            self._model = loading.load_original(directory, dtype, device)
            self._key = key
            self.loads += 1
        model = self._model
        assert model is not None
        update = update_file(directory)
        if update is not None:
            self._changes.enter_context(updated(model, open_checkpoint(path), load_updates(update)))
        for handle in load("steadfast.models", "overflow").watch(model, str(directory)):
            self._changes.callback(handle.remove)
        return model

    def clear(self) -> None:
        """Give up the model."""
        self._changes.close()
        self._model = self._key = None


@contextmanager
def resident_model() -> Iterator[ResidentModel]:
    """Within the context, ``load_model`` keeps the weights of one model in memory and changes them for its variants.

    Only one model is in use at a time: whatever loads another variant gets the same object, with other weights.
    """
    resident = ResidentModel()
    with loading.loaded_by(resident.load):
        try:
            yield resident
        finally:
            resident.clear()
