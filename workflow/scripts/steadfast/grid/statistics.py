"""Wiring of ``workflow/rules/statistics.smk``: tables of every grid, and tables of some grids."""

from steadfast.grid import paths
from steadfast.grid.annotation import Annotation
from steadfast.grid.attack_search import AttackSearch
from steadfast.grid.attack_selection import AttackSelection
from steadfast.grid.ensembles import ensemble_tables
from steadfast.grid.grid import Grid
from steadfast.grid.outcomes import outcome_results
from steadfast.grid.prompt_versions import version_tables
from steadfast.grid.replicates import Replicates
from steadfast.grid.self_evaluation import SelfEvaluation

REPORTED = (
    "robustness",
    "agreement",
    "conclusions",
    "ranking",
    "confusion",
    "bias",
    "disputes_by_length",
    "edits",
    "side_effects",
    "assessment",
    "withstood",
)
"""Tables of every grid that the report reads."""


def further_tables(grid: Grid) -> list[str]:
    """Tables that only some grids have: best attacks, searches, outcomes, annotators, replicates, self-evaluation."""
    chosen = [paths.table("best_attacks")] if AttackSelection(grid).chosen_pairs else []
    return [
        *chosen,
        *AttackSearch(grid).results,
        *outcome_results(grid),
        *ensemble_tables(grid),
        *version_tables(grid),
        *Annotation(grid).agreement,
        *Replicates(grid).results,
        *SelfEvaluation(grid).results,
    ]
