"""Tables of the judged part of a grid, for the report of an unfinished run."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.agreement import agreement_table
from steadfast.analysis.tables.collect import collect_verdicts
from steadfast.analysis.tables.conclusions import conclusion_table
from steadfast.analysis.tables.counts import count_verdicts
from steadfast.analysis.tables.edits import EditedVariant, edit_table, mark_unverified
from steadfast.analysis.tables.ranking import ranking_table
from steadfast.analysis.tables.robustness import robustness_table
from steadfast.core.errors import DataError
from steadfast.core.files import read_table, write_table
from steadfast.grid import paths
from steadfast.grid.grid import Grid
from steadfast.grid.judgments import judgment_files
from steadfast.grid.paths import PROMPTS
from steadfast.models.edited import MANIFEST

Current = Callable[[Iterable[Any]], list[str]]


def partial_tables(grid: Grid, current: Current, folder: Path) -> tuple[list[str], list[str]]:
    """Write the table of verdicts and the tables derived from it, from current judgments.

    Args:
        grid: the grid.
        current: returns those of the given files that are current.
        folder: output folder of the tables.

    Returns:
        The path of the table of verdicts, and those of the other tables.

    Raises:
        DataError: there are no judgments yet.
    """
    there = {path: paths.judgments().keys(path) for path in current(judgment_files(grid))}
    cells = [(cell["judge"], cell["model"], cell["variant"], path) for path, cell in there.items()]
    if not cells or not current([PROMPTS]):
        raise DataError("no model–variant pair has been judged yet")
    verdicts = collect_verdicts(cells, read_table(PROMPTS))
    inference = Inference(**grid.inference)
    controls = grid.controls
    robustness = robustness_table(
        verdicts, controls=controls, margin=grid.config["statistics"]["survival_margin"], inference=inference
    )
    edits = edit_table(_changed(grid, current))
    robustness = mark_unverified(robustness, edits)
    reference = grid.reference
    tables = {
        "counts": count_verdicts(verdicts),
        "edits": edits,
        "robustness": robustness,
        "agreement": agreement_table(verdicts, controls=controls, inference=inference),
        "conclusions": conclusion_table(robustness, reference, controls=controls, confidence=inference.confidence),
        "ranking": ranking_table(verdicts, controls=controls, inference=inference),
    }
    write_table(folder / "verdicts.parquet", verdicts)
    for name, table in tables.items():
        write_table(folder / f"{name}.csv", table)
    return [str(folder / "verdicts.parquet")], [str(folder / f"{name}.csv") for name in tables]


def _changed(grid: Grid, current: Current) -> list[EditedVariant]:
    """The changed model–variant pairs whose edit, direction and scores are current."""
    edited = grid.edited_pairs
    found = []
    for pair in grid.changed_pairs:
        checkpoint = grid.checkpoint(pair) if pair in edited else None
        (direction,), (scores,) = paths.DIRECTION.of([pair]), paths.SCORES.of([pair])
        files = [direction, scores, *([checkpoint] if checkpoint else [])]
        if len(current(files)) == len(files):
            manifest = Path(checkpoint) / MANIFEST if checkpoint else None
            found.append(EditedVariant(pair.model, pair.variant, direction, scores, manifest))
    return found
