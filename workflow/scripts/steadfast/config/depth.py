"""The blocks that a configuration names, and the depths of its models, where known on this machine."""

from collections.abc import Iterator, Mapping
from typing import Any

from steadfast.models.depth import SKIPPED, missing_blocks
from steadfast.models.sources import source_of

PARTS = ("edit", "intervention")
"""Parts of a variant that change a model's blocks."""


def known_depth(model: str, config: Mapping[str, Any]) -> int | None:
    """Number of blocks of a model of the configuration; None if it is unknown on this machine.

    Args:
        model: its name.
        config: the configuration.
    """
    entry, seen = config["models"][model], {model}
    while base := source_of(entry).base(entry):
        # an adapter has the blocks of its base; missing or circular bases are reported elsewhere
        if base in seen or base not in config["models"]:
            return None
        seen.add(base)
        entry = config["models"][base]
    return source_of(entry).depth(entry, config)


def wanted_blocks(model: str, variants: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Config keys that name blocks of a model, with their values; see ``missing_blocks``."""
    for name, variant in variants.items():
        if model not in variant.get("models", [model]):
            continue
        for part in ("direction", *PARTS):
            entry = variant.get(part, {})
            if isinstance(entry.get("layer"), int):
                yield f"variants.{name}.{part}.layer", entry["layer"]
            for block in entry.get("layers") or ():
                yield f"variants.{name}.{part}.layers", block
            if part in PARTS and entry.get(SKIPPED):
                yield f"variants.{name}.{part}.{SKIPPED}", entry[SKIPPED]


def blocks_beyond(depth: int, model: str, variants: Mapping[str, Any]) -> Iterator[str]:
    """Settings that name blocks beyond the depth of a model."""
    return missing_blocks(depth, model, wanted_blocks(model, variants))
