"""Manifest of an edited checkpoint."""

from pathlib import Path

from steadfast.core.files import read_json

MANIFEST = "edit_manifest.json"


def has_no_valid_direction(checkpoint: str | Path) -> bool:
    """Whether a checkpoint is the unedited copy written if no valid direction was found.

    It equals the original, so its responses must not count as those of an edited model.
    """
    file = Path(checkpoint) / MANIFEST
    return file.is_file() and int(read_json(file)["direction"]["count"]) == 0
