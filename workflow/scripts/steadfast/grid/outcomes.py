"""Wiring of ``workflow/rules/outcomes.smk``: judges of compliance with harmful prompts, and of kinds of refusal."""

from steadfast.core.plug_ins import JUDGES
from steadfast.grid import paths
from steadfast.grid.data import Judge
from steadfast.grid.grid import Grid
from steadfast.judges.settings import ScaleName

KIND_TABLES = ("refusal_kinds", "refusal_kind_agreement", "refusal_kind_confusion")


def compliance_rubrics(grid: Grid) -> dict[str, Judge]:
    """Rubrics of compliance with harmful prompts."""
    return _of_scale(grid, "compliance")


def kind_rubrics(grid: Grid) -> dict[str, Judge]:
    """Rubrics of kinds of refusals."""
    return _of_scale(grid, "refusal_kind")


def quality_rubrics(grid: Grid) -> dict[str, Judge]:
    """Rubrics of the quality of responses to harmless prompts."""
    return _of_scale(grid, "quality")


def outcome_table(grid: Grid) -> list[str]:
    """The table of outcomes; empty without a judge of compliance."""
    return [paths.table("outcomes")] if compliance_rubrics(grid) else []


def compliance_labels(grid: Grid) -> dict[str, str]:
    """Names of the judges of compliance in tables and figures."""
    return {name: rubric.label for name, rubric in compliance_rubrics(grid).items()}


def outcome_results(grid: Grid) -> list[str]:
    """The table of outcomes and the tables of kinds, if there are judges of compliance and of kinds."""
    outcomes = [paths.table("outcomes")] if compliance_rubrics(grid) else []
    return [*outcomes, *(map(paths.table, KIND_TABLES) if kind_rubrics(grid) else ())]


def _of_scale(grid: Grid, scale: ScaleName) -> dict[str, Judge]:
    return {name: rubric for name, rubric in grid.rubrics.items() if JUDGES.read(rubric.settings).scale() == scale}
