"""Attacks of a grid by scale: variants that differ only in their scale."""

import json
from collections.abc import Mapping
from typing import Any

from steadfast.config.sweeps import CHANGES, scale_key

PARTS = tuple(CHANGES.values())


def attacks(variants: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The parts of every variant with an edit or an intervention.

    Returns:
        By variant: ``direction`` and ``change`` (names; variants that share both differ in their scale only),
        ``blocks`` (where the change is made), ``scale`` and ``control``. Variants that are scaled to another one are
        left out, since their scale is not that of their settings.
    """
    found: dict[str, dict[str, Any]] = {}
    taken: dict[tuple[str, str], str] = {}
    # sweeps first, which have names
    for name, variant in sorted(variants.items(), key=lambda item: "attack" not in item[1]):
        part = next((part for part in PARTS if part in variant), None)
        if part is None or "match_change" in variant:
            continue
        key = scale_key(part, variant[part])
        rest = {entry: value for entry, value in variant[part].items() if entry != key}
        others = {entry: value for entry, value in variant.items() if entry not in ("label", "role", "attack", part)}
        identity = json.dumps([others, rest], sort_keys=True)
        named = variant.get("attack") or {
            "direction": variant["direction"]["method"].replace("_", "-"),
            "change": rest["method"].replace("_", "-"),
        }
        if taken.setdefault((named["direction"], named["change"]), identity) != identity:
            named = {**named, "change": f"{named['change']} ({variant.get('label', name)})"}
        found[name] = {
            **named,
            "blocks": _blocks(variant, part),
            "scale": abs(float(variant[part].get(key, 1.0))),
            "control": variant["role"] == "control",
        }
    return found


def _blocks(variant: Mapping[str, Any], part: str) -> str:
    """Description of the blocks that are changed."""
    entry = variant[part]
    if "layer" in entry:
        return "of the direction" if entry["layer"] is None else f"at {entry['layer']}"
    words = "{} to {}".format(*entry["layers"]) if entry.get("layers") else "all"
    if entry.get("skip_first"):
        words += f" but the first {entry['skip_first']}"
    return f"{words}, weighted" if entry.get("kernel") or entry.get("kernels") else words
