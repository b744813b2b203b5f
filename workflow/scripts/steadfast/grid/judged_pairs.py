"""Models under test with and without weights, and all pairs that are judged and reported."""

from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid


def runnable(grid: Grid) -> list[str]:
    """Models under test with weights; the others have imported responses."""
    return [name for name in grid.studied if grid.models[name].given is None]


def judged_pairs(grid: Grid) -> list[ModelVariant]:
    """All pairs, including those with imported responses, in the order of the models."""
    given = [
        ModelVariant(model, name)
        for model in grid.studied
        for name in grid.variants
        if name in (grid.models[model].given or ())
    ]
    return sorted([*grid.pairs, *given], key=lambda pair: grid.studied.index(pair.model))
