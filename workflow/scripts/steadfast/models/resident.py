"""One model in memory for all its variants: the original's weights are loaded once.

Edits stored as factors change them in place. A job that processes several variants of a model would otherwise load each
of them. Within ``resident_model``, a variant
stored as factors for the weights in memory is created by changing them in place, and the original's weights are
restored exactly before the next one.
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
    """The model in memory; a returned model must not be used after another one was requested."""

    def __init__(self) -> None:
        """Start without a model."""
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
        """Release the model."""
        self._changes.close()
        self._model = self._key = None


@contextmanager
def resident_model() -> Iterator[ResidentModel]:
    """Context in which ``load_model`` keeps the weights of one model in memory and changes them for its variants.

    Only one model is in use at a time: loading another variant returns the same object with other weights.
    """
    resident = ResidentModel()
    with loading.loaded_by(resident.load):
        try:
            yield resident
        finally:
            resident.clear()
