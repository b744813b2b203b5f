"""Wiring of ``workflow/rules/ensembles.smk``: judges that combine the verdicts of others."""

from dataclasses import dataclass
from typing import Any

from steadfast.grid import paths
from steadfast.grid.data import Judge
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import rule_name
from steadfast.grid.judged_pairs import judged_pairs
from steadfast.grid.judging import Judging, judge_settings
from steadfast.grid.judgments import PREFIXES, judgment_files


@dataclass(frozen=True)
class Ensemble:
    """The job of one ensemble.

    Attributes:
        grid: the grid.
        judge: the ensemble.
    """

    grid: Grid
    judge: Judge

    @property
    def rule(self) -> str:
        """Name of the job's rule."""
        return rule_name(f"{PREFIXES['evaluation']}_{self.judge.name}")

    @property
    def members(self) -> list[str]:
        """Its member judges."""
        return list(self.judge.settings["members"])

    @property
    def votes(self) -> list[str]:
        """Their judgments."""
        return judgment_files(self.grid, self.members)

    @property
    def judgments(self) -> list[str]:
        """Its output."""
        return paths.judgments().of(judged_pairs(self.grid), judge=self.judge.name)

    @property
    def log(self) -> str:
        """Name of the log."""
        return f"judgments/{self.judge.name}"

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that its verdicts depend on."""
        return {key: value for key, value in judge_settings(self.judge).items() if key != "kind"}

    @property
    def digest(self) -> str:
        """Digest of the code that its verdicts depend on."""
        return Judging(self.grid).digest(self.judge)


def ensembles(grid: Grid) -> list[Ensemble]:
    """All ensembles of a grid."""
    return [Ensemble(grid, judge) for judge in Judging(grid).with_scope("verdicts")]


def parts(grid: Grid) -> dict[str, list[str]]:
    """Members of every ensemble, by ensemble; members are not compared with their ensemble."""
    return {ensemble.judge.name: ensemble.members for ensemble in ensembles(grid)}


def ensemble_tables(grid: Grid) -> list[str]:
    """Tables of their reliability; empty without an ensemble."""
    return [*map(paths.table, ("ensembles", "ensemble_members"))] if ensembles(grid) else []
