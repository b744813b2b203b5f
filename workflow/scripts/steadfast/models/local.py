"""Local checkpoints."""

from pathlib import Path

from steadfast.core.files import sha256_file
from steadfast.core.progress import IN_BYTES, Progress
from steadfast.core.registry import load
from steadfast.models.pointer import ModelPointer
from steadfast.models.weights import checkpoint_files


def point_to(path: str | Path, *, trust_remote_code: bool = False) -> ModelPointer:
    """Check a checkpoint directory and describe it; nothing is copied.

    Raises:
        DataError: as ``steadfast.models.check.check_checkpoint``.
    """
    root = Path(path).resolve()
    # imported by name, so that a changed check does not cause models to be linked again
    load("steadfast.models", "check").check_checkpoint(root, trust_remote_code=trust_remote_code)
    return ModelPointer(source="local", path=str(root), files=file_hashes(root), trust_remote_code=trust_remote_code)


def file_hashes(path: Path) -> dict[str, str]:
    """SHA-256 of each file that makes up the checkpoint of a directory, by name."""
    files = checkpoint_files(path)
    sizes = [file.stat().st_size for file in files]
    hashes = {}
    with Progress("files to be hashed", len(files), unit=IN_BYTES, work=sum(sizes), brief=True) as progress:
        for file, size in zip(files, sizes, strict=True):
            hashes[file.name] = _hash(file)
            progress.advance(1, size)
    return hashes


def _hash(file: Path) -> str:
    """Content hash; a file of the hub's cache links to a blob whose name is its SHA-256 if it is a large one."""
    blob = file.resolve().name
    is_digest = len(blob) == 64 and all(character in "0123456789abcdef" for character in blob)
    return blob if file.is_symlink() and is_digest else sha256_file(file)
