"""Manifest of an edited checkpoint."""

from pathlib import Path

from steadfast.core.files import read_json

MANIFEST = "edit_manifest.json"


def has_no_valid_direction(checkpoint: str | Path) -> bool:
    """Whether a checkpoint is the copy that is made if no valid direction was found.

    It is the original, so that nothing it answers may count as an answer of an edited model.
    """
    file = Path(checkpoint) / MANIFEST
    return file.is_file() and int(read_json(file)["direction"]["count"]) == 0
