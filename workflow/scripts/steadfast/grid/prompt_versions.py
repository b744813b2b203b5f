"""Wiring of ``workflow/rules/prompt_versions.smk``: judges and rubrics with several versions."""

from collections.abc import Mapping

from steadfast.config.prompt_versions import GROUP
from steadfast.core.plug_ins import JUDGES
from steadfast.grid import paths
from steadfast.grid.data import Judge
from steadfast.grid.grid import Grid
from steadfast.grid.judgments import judgment_files
from steadfast.judges.interface import SCALES


def versions(grid: Grid) -> dict[str, list[str]]:
    """Versions of each judge and rubric that has several, starting with the judge or rubric itself."""
    found: dict[str, list[str]] = {}
    for name, entry in _scorers(grid).items():
        first = entry.settings.get(GROUP)
        if first is not None:
            found.setdefault(str(first), [str(first)]).append(name)
    return found


def versioned_judgments(grid: Grid) -> list[str]:
    """Judgments of all versions."""
    return judgment_files(grid, [name for names in versions(grid).values() for name in names])


def counted_verdicts(grid: Grid) -> dict[str, str]:
    """Counted verdict of each judge or rubric: refusals, or that of the rubric."""
    scorers = _scorers(grid)
    return {name: str(SCALES[JUDGES.read(scorers[name].settings).scale()].counted) for name in versions(grid)}


def version_tables(grid: Grid) -> list[str]:
    """The table of the spread over versions; empty without versions."""
    return [paths.table("prompt_versions")] if versions(grid) else []


def _scorers(grid: Grid) -> Mapping[str, Judge]:
    return {**grid.judges, **grid.rubrics}
