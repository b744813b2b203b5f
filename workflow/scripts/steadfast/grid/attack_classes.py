"""Class of every variant's attack, and the number of edits tried to find it."""

from typing import Any

from steadfast.analysis.tables.withstood import COMPARED, DECODING, FIXED, INTERVENTION, SEARCH, SWEEP
from steadfast.config.attack_checks import SEARCH as SEARCH_KEY
from steadfast.core.names import ORIGINAL
from steadfast.grid.attack_selection import AttackSelection
from steadfast.grid.data import Variant
from steadfast.grid.grid import Grid

BLOCK_TARGETS = {"attention_output", "mlp_output"}
"""Targets that cover all outputs of the blocks."""


def attack_classes(grid: Grid) -> dict[str, dict[str, Any]]:
    """Fields of ``steadfast.analysis.tables.withstood.AttackClass`` for every variant but the original."""
    return {name: _class(grid, variant) for name, variant in grid.variants.items() if name != ORIGINAL}


def _class(grid: Grid, variant: Variant) -> dict[str, Any]:
    models = variant.settings.get("models")
    common = {"control": variant.is_control, "models": tuple(models) if models else None}
    if variant.is_searched:
        search = variant.settings[SEARCH_KEY]
        bound = None if search["rule"] == "knee" else search["max_divergence"]
        complete = max(search["scale"]) >= 1 and BLOCK_TARGETS <= set(search["targets"])
        return {**common, "name": SEARCH, "trials": search["trials"], "max_divergence": bound, "complete": complete}
    if variant.is_compared:
        return {**common, "name": COMPARED, "trials": len(AttackSelection(grid).attacks(variant.name))}
    if variant.is_swept:
        return {**common, "name": SWEEP}
    kinds = {"edit": FIXED, "intervention": INTERVENTION}
    return {**common, "name": next((kind for key, kind in kinds.items() if key in variant.settings), DECODING)}
