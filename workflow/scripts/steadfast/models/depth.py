"""How many blocks a model has, and whether the blocks that are asked for are among them."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from steadfast.errors import DataError
from steadfast.files import read_json
from steadfast.models.weights import CONFIG

KEYS = ("num_hidden_layers", "n_layer")
SKIPPED = "skip_first"


def stated_depth(config: Mapping[str, Any]) -> int | None:
    """Number of blocks by a checkpoint's ``config.json``; None if it leaves that to the architecture."""
    text = config.get("text_config") or config
    found = [text[key] for key in KEYS if isinstance(text.get(key), int)]
    return int(found[0]) if found else None


def depth_of_directory(path: Path) -> int | None:
    """Number of blocks of a checkpoint directory; None if it is none, which others report, or does not say."""
    try:
        config = read_json(path / CONFIG)
    except (DataError, OSError):
        return None
    return stated_depth(config) if isinstance(config, dict) else None


def missing_blocks(depth: int, model: str, wanted: Iterable[tuple[str, int]]) -> Iterator[str]:
    """What asks for blocks that a model does not have.

    Args:
        depth: its number of blocks.
        model: its name.
        wanted: keys of the configuration with the block that each names, negative from the end; with how many are left
            out at the beginning where the key ends in ``skip_first``.
    """
    for key, number in wanted:
        if key.endswith(SKIPPED):
            if number >= depth:
                yield f"{key}: leaves none of the {depth} blocks of {model} to edit"
        elif not -depth <= number < depth:
            allowed = f"0 to {depth - 1} (or -{depth} to -1 from the end)"
            yield f"{key}: {number} is out of range for {model}; allowed: {allowed}"
