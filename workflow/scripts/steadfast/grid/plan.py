"""Wiring of ``workflow/rules/plan.smk``: requests of judges."""

from typing import Any

from steadfast.grid import paths
from steadfast.grid.data import Judge
from steadfast.grid.grid import Grid
from steadfast.grid.judging import Judging
from steadfast.grid.judgments import judged_sets


def asking_judges(grid: Grid) -> dict[str, dict[str, Any]]:
    """Arguments of all judges and rubrics that send requests, by name."""
    judging = Judging(grid)
    return {**judging.paid(grid.judges), **judging.paid(grid.rubrics)}


def planned_requests(grid: Grid, *sections: dict[str, Judge]) -> dict[str, Any]:
    """Responses to judge, as arguments of ``steadfast.judges.cost_estimate.work_of``.

    Args:
        grid: the grid.
        sections: the judges of the grid, its rubrics, or both (default).
    """
    return {
        "sets": [judged for judges in sections or (grid.judges, grid.rubrics) for judged in judged_sets(grid, judges)],
        "prompts": paths.PROMPTS,
        "max_new_tokens": grid.config["generation"]["max_new_tokens"],
    }
