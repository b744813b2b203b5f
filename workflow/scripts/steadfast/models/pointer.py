"""``model.json``: description of a model directory of the workflow.

A checkpoint trained by the workflow is in the directory itself; a hub or local model is only linked, never copied.
"""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.core.files import read_json, write_json

FILE = "model.json"


@dataclass(frozen=True)
class ModelPointer:
    """Content of ``model.json``.

    Attributes:
        source: ``organism``, ``hub``, ``local``, or ``edited`` (beside the weights of an edited checkpoint; see
            ``point_to_edited``).
        path: the checkpoint's directory; ``"."`` is the directory of ``model.json``.
        revision: the resolved commit of a hub model, or None.
        files: SHA-256 (or the hub's content hash) of each file that makes up the checkpoint.
        trust_remote_code: whether the config allows this model to run its own code.
        details: further metadata (training recipe, repository, ...).
        update: file in this directory with low-rank updates of the checkpoint's tensors, which readers apply; empty if
            there is none.
        chat: its chat settings, if they differ from the checkpoint's own; see
            ``steadfast.models.chat_settings``.
    """

    source: str
    path: str
    revision: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    trust_remote_code: bool = False
    details: dict[str, object] = field(default_factory=dict)
    chat: dict[str, Any] = field(default_factory=dict)
    update: str = ""

    def write(self, directory: str | Path) -> None:
        """Write ``model.json`` into ``directory``."""
        write_json(Path(directory) / FILE, asdict(self))


def read_pointer(directory: str | Path) -> ModelPointer:
    """Read ``model.json`` of a model directory.

    Raises:
        DataError: there is none, or it does not have the expected fields.
    """
    file = Path(directory) / FILE
    if not file.is_file():
        raise DataError(f"{directory} is not a model directory: it has no {FILE}")
    try:
        return ModelPointer(**read_json(file))
    except TypeError as error:
        raise DataError(f"{file} has unexpected fields: {error}") from error


def checkpoint_path(directory: str | Path) -> Path:
    """Directory that holds ``config.json`` and the weights, given a model directory or a plain checkpoint."""
    root = Path(directory)
    path = root / read_pointer(root).path if (root / FILE).is_file() else root
    if not (path / "config.json").is_file():
        raise DataError(f"{path} holds no checkpoint: config.json is missing")
    return path


def weights_path(directory: str | Path) -> Path:
    """The same for readers that load the files directly and cannot apply an update.

    Raises:
        DataError: the directory's weights are those of the files and an update of them.
    """
    if update_file(directory) is not None:
        raise DataError(
            f"{directory} holds an edit as factors over {checkpoint_path(directory)}, which are not applied here; set "
            "`runtime: {checkpoints: bake}` to have edited checkpoints written out"
        )
    return checkpoint_path(directory)


def trusts_remote_code(directory: str | Path) -> bool:
    """Whether the config allows this model to run its own code."""
    root = Path(directory)
    return (root / FILE).is_file() and read_pointer(root).trust_remote_code


def chat_of(directory: str | Path) -> dict[str, Any]:
    """Chat settings of a model, if they differ from the checkpoint's own."""
    root = Path(directory)
    return read_pointer(root).chat if (root / FILE).is_file() else {}


def update_file(directory: str | Path) -> Path | None:
    """The file with low-rank updates of a model directory's checkpoint; None if there is none."""
    root = Path(directory)
    update = read_pointer(root).update if (root / FILE).is_file() else ""
    return root / update if update else None


def point_to_updated(
    original: str | Path, directory: Path, output: Path, update: str, details: dict[str, object]
) -> None:
    """Write ``model.json`` of an edited model that consists of the original's weights and low-rank updates of them.

    Args:
        original: the original's model directory or checkpoint.
        directory: where to write it.
        output: where the directory will lie in the end.
        update: name of the file of updates.
        details: what else to keep.
    """
    path = checkpoint_path(original)
    known = read_pointer(original) if (Path(original) / FILE).is_file() else None
    # relative, since the results folder may be moved
    inside = known is None or not Path(known.path).is_absolute()
    place = os.path.relpath(path.resolve(), output.resolve()) if inside else str(path)
    ModelPointer(
        source="edited",
        path=place,
        revision=known.revision if known else None,
        files=known.files if known and not inside else {},
        trust_remote_code=trusts_remote_code(original),
        chat=chat_of(original),
        details=details,
        update=update,
    ).write(directory)


def point_to_edited(original: str | Path, directory: Path) -> None:
    """Write ``model.json`` beside the weights of an edited copy, if the original's says what holds for the copy too.

    Permission to run its own code and chat settings are not in a checkpoint's own files.
    """
    trusted, chat = trusts_remote_code(original), chat_of(original)
    if trusted or chat:
        ModelPointer(source="edited", path=".", trust_remote_code=trusted, chat=chat).write(directory)
