"""Number of blocks of a model, and checks of configured block indices."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.core.files import read_json
from steadfast.models.weights import CONFIG

KEYS = ("num_hidden_layers", "n_layer")
LAYERS, SKIPPED = "layers", "skip_first"


def stated_depth(config: Mapping[str, Any]) -> int | None:
    """Number of blocks in a checkpoint's ``config.json``; None if it is not stated."""
    text = config.get("text_config") or config
    found = [text[key] for key in KEYS if isinstance(text.get(key), int)]
    return int(found[0]) if found else None


def depth_of_directory(path: Path) -> int | None:
    """Number of blocks of a checkpoint directory; None if it is invalid (reported elsewhere) or not stated."""
    try:
        config = read_json(path / CONFIG)
    except (DataError, OSError):
        return None
    return stated_depth(config) if isinstance(config, dict) else None


def missing_blocks(depth: int, model: str, wanted: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Config keys with blocks that a model does not have.

    Args:
        depth: its number of blocks.
        model: its name.
        wanted: config keys with their block (negative from the end), or with the number of skipped blocks if the key
            ends in ``skip_first``.
    """
    parts: dict[str, dict[str, list[int]]] = {}
    for key, number in wanted:
        part, _, setting = key.rpartition(".")
        if setting == SKIPPED and number >= depth:
            yield f"{key}: leaves none of the {depth} blocks of {model} to edit"
        elif setting != SKIPPED and not -depth <= number < depth:
            allowed = f"0 to {depth - 1} (or -{depth} to -1 from the end)"
            yield f"{key}: {number} is out of range for {model}; allowed: {allowed}"
        else:
            parts.setdefault(part, {}).setdefault(setting, []).append(number)
    for part, settings in parts.items():
        yield from _empty_spans(depth, model, part, settings)


def _empty_spans(depth: int, model: str, part: str, settings: Mapping[str, list[int]]) -> Iterator[str]:
    """Spans of blocks that are empty, possibly because of ``skip_first``."""
    if len(settings.get(LAYERS, [])) != 2:
        return
    (first, last), skipped = settings[LAYERS], settings.get(SKIPPED, [0])[0]
    # bounds from the same end in the wrong order are reported independently of the depth
    reported = (first < 0) == (last < 0) and first > last
    if not reported and max(first % depth, skipped) > last % depth:
        limits = f"{SKIPPED}: {skipped} and {LAYERS}: {[first, last]}"
        yield f"{part}: {limits} leave none of the {depth} blocks of {model} to edit"
