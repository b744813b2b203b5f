"""Wiring of ``workflow/rules/outcomes.smk``: judges of compliance with harmful prompts."""

from steadfast.core.plug_ins import JUDGES
from steadfast.grid import paths
from steadfast.grid.data import Judge
from steadfast.grid.grid import Grid


def compliance_rubrics(grid: Grid) -> dict[str, Judge]:
    """Rubrics that say whether a response does what a harmful prompt asks for."""
    return {name: rubric for name, rubric in grid.rubrics.items() if _scale(rubric) == "compliance"}


def quality_rubrics(grid: Grid) -> dict[str, Judge]:
    """Rubrics of a quality of harmless responses."""
    return {name: rubric for name, rubric in grid.rubrics.items() if _scale(rubric) == "quality"}


def outcome_results(grid: Grid) -> list[str]:
    """The table and figure of outcomes; none without a judge of compliance."""
    return [paths.table("outcomes"), *paths.both_formats("outcomes")] if compliance_rubrics(grid) else []


def _scale(rubric: Judge) -> str:
    return str(JUDGES.read(rubric.settings).scale())
