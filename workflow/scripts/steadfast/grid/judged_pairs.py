"""Models under test with and without weights, and all pairs that are judged, compared and reported."""

from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid


def runnable(grid: Grid) -> list[str]:
    """Models under test whose weights are there; of others the responses come from elsewhere."""
    return [name for name in grid.studied if grid.models[name].given is None]


def judged_pairs(grid: Grid) -> list[ModelVariant]:
    """All pairs, those among them whose responses come from elsewhere, in the order of the models."""
    given = [
        ModelVariant(model, name)
        for model in grid.studied
        for name in grid.variants
        if name in (grid.models[model].given or ())
    ]
    return sorted([*grid.pairs, *given], key=lambda pair: grid.studied.index(pair.model))
