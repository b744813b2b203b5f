"""Wiring of ``workflow/rules/annotation.smk``: the page for human annotators, and their labels."""

from dataclasses import dataclass
from typing import Any

from steadfast.grid import paths
from steadfast.grid.grid import Grid
from steadfast.grid.judgments import judgment_files
from steadfast.judges.annotation.assembly import SOURCE


@dataclass(frozen=True)
class Annotation:
    """Annotation of a grid's responses.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def assets(self) -> list[str]:
        """The page's template, style and scripts."""
        return [f"resources/{name}" for name in SOURCE.files]

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the page."""
        settings = {key: value for key, value in self.grid.config["annotation"].items() if key != "definition"}
        return {**settings, "seed": self.grid.config["seed"]}

    @property
    def sampled_by(self) -> list[str]:
        """Judgments whose disagreement stratifies the sample; empty for the human subset."""
        if self.grid.config["annotation"]["mode"] != "sampled":
            return []
        return judgment_files(self.grid, [name for name, judge in self.grid.judges.items() if not judge.is_baseline])

    @property
    def judgments(self) -> list[str]:
        """Judgments of the human annotators."""
        return judgment_files(self.grid, self.grid.human_judges)

    @property
    def key(self) -> list[str]:
        """The page's key, with the number of responses that each label represents; empty without labels."""
        return [paths.ANNOTATION_KEY] if self.grid.human_judges else []

    @property
    def agreement(self) -> list[str]:
        """The table of the annotators' agreement; empty with fewer than two annotators."""
        return [paths.table("annotators")] if len(self.grid.human_judges) > 2 else []
