"""``model.json``: what a model directory of the workflow stands for.

A checkpoint that the workflow trained lies in the directory itself; a hub or local model is only pointed
to, never copied.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.core.files import read_json, write_json

FILE = "model.json"


@dataclass(frozen=True)
class ModelPointer:
    """What ``model.json`` holds.

    Attributes:
        source: ``organism``, ``hub``, ``local``, or ``edited`` (beside the weights of an edited checkpoint; see
            ``point_to_edited``).
        path: the checkpoint's directory; ``"."`` is the directory of ``model.json``.
        revision: the resolved commit of a hub model, or None.
        files: SHA-256 (or the hub's content hash) of each file that makes up the checkpoint.
        trust_remote_code: whether the config allows this one model to bring code of its own.
        details: what else its maker wants to keep (training recipe, repository, ...).
        chat: how it is spoken to, where that is not what the checkpoint says alone; see
            ``steadfast.models.chat_settings``.
    """

    source: str
    path: str
    revision: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    trust_remote_code: bool = False
    details: dict[str, object] = field(default_factory=dict)
    chat: dict[str, Any] = field(default_factory=dict)

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


def trusts_remote_code(directory: str | Path) -> bool:
    """Whether the config allowed this model to run code of its own."""
    root = Path(directory)
    return (root / FILE).is_file() and read_pointer(root).trust_remote_code


def chat_of(directory: str | Path) -> dict[str, Any]:
    """How a model is spoken to, where that is not what the checkpoint says alone."""
    root = Path(directory)
    return read_pointer(root).chat if (root / FILE).is_file() else {}


def point_to_edited(original: str | Path, directory: Path) -> None:
    """Write ``model.json`` beside the weights of an edited copy, if the original's says what holds for the copy too.

    Whether it may run code of its own and how it is spoken to are not in a checkpoint's own files.
    """
    trusted, chat = trusts_remote_code(original), chat_of(original)
    if trusted or chat:
        ModelPointer(source="edited", path=".", trust_remote_code=trusted, chat=chat).write(directory)
