"""Checkpoints that are already on this machine."""

from pathlib import Path

from steadfast.errors import DataError
from steadfast.files import sha256_file
from steadfast.models.pointer import ModelPointer


def point_to(path: str | Path, *, trust_remote_code: bool = False) -> ModelPointer:
    """Check a checkpoint directory and describe it; nothing is copied.

    Raises:
        DataError: it has no config.json, no safetensors weights or no tokenizer.
    """
    root = Path(path).resolve()
    require_checkpoint(root, str(root))
    return ModelPointer(source="local", path=str(root), files=file_hashes(root), trust_remote_code=trust_remote_code)


def require_checkpoint(path: Path, name: str) -> None:
    """Check that a directory holds what loading needs.

    Args:
        path: the directory.
        name: what messages call it.

    Raises:
        DataError: it has no config.json, no safetensors weights or no tokenizer.
    """
    if not (path / "config.json").is_file():
        raise DataError(f"{name} is no checkpoint: config.json is missing")
    if not list(path.glob("*.safetensors")):
        raise DataError(f"{name} has no *.safetensors weights (pickled weights are not loaded: convert them first)")
    if not list(path.glob("tokenizer*")):
        raise DataError(f"{name} has no tokenizer files")


def file_hashes(path: Path) -> dict[str, str]:
    """SHA-256 of each file of a checkpoint directory, by name."""
    return {file.name: _hash(file) for file in sorted(path.iterdir()) if file.is_file()}


def _hash(file: Path) -> str:
    """Content hash; a file of the hub's cache links to a blob whose name is its SHA-256 if it is a large one."""
    blob = file.resolve().name
    is_digest = len(blob) == 64 and all(character in "0123456789abcdef" for character in blob)
    return blob if file.is_symlink() and is_digest else sha256_file(file)
