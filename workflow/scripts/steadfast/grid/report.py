"""Wiring of ``workflow/rules/report.smk``, and the outputs of a whole run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steadfast.grid import paths
from steadfast.grid.counts_tables import CountsTables
from steadfast.grid.figures import Figures
from steadfast.grid.grid import Grid
from steadfast.grid.judged_pairs import judged_pairs, runnable
from steadfast.grid.judging import settings_of
from steadfast.grid.judgments import judgment_files
from steadfast.grid.statistics import REPORTED, further_tables
from steadfast.models.sources import is_trained_here

# settings of how jobs run, content of other pages, or parts that the report does not show
LEFT_OUT = ("runtime", "annotation", "counts_tables", "figures", "report")


@dataclass(frozen=True)
class Results:
    """Outputs of a run, and inputs of its report.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def all(self) -> list[str]:
        """All outputs of a run."""
        figures = Figures(self.grid)
        tables = ("counts", "agreement", "robustness", "conclusions", "side_effects", "assessment", "withstood")
        return [
            paths.SUMMARY,
            paths.VERDICTS,
            *map(paths.table, tables),
            *figures.scales,
            *figures.results,
            *figures.of_directions,
            paths.JUDGE_REPORT,
            paths.REPORT,
            *further_tables(self.grid),
            paths.PROMPT_SUMMARY,
            *CountsTables(self.grid).results,
        ]

    @property
    def tables(self) -> list[str]:
        """Tables that the report reads."""
        return [*map(paths.table, REPORTED), *further_tables(self.grid), *Figures(self.grid).scales]

    @property
    def figures(self) -> list[str]:
        """Figures that the report offers for print: PDF files, and folders with PDF files."""
        figures = Figures(self.grid)
        return [*(path for path in figures.files if path.endswith(".pdf")), *figures.folders]

    @property
    def settings(self) -> dict[str, Any]:
        """Fields of ``steadfast.report.study.Study`` that the configuration determines."""
        return {
            "reference": self.grid.reference,
            "truth": self.grid.validity_reference,
            "judge": self.grid.shown_judge,
            "baselines": self.grid.baselines,
            "controls": self.grid.controls,
            "human_judges": self.grid.human_judges,
            "hooked": self.grid.hooked,
            "sources": {name: self.grid.models[name].source for name in self.grid.studied},
            "margin": self.grid.config["statistics"]["survival_margin"],
            "show": self.shown_responses,
            "look": Figures(self.grid).look,
            "configuration": self.configuration,
        }

    @property
    def shown_responses(self) -> str:
        """Which responses the report contains; responses of real models only if configured."""
        chosen = str(self.grid.config["report"]["responses"])
        if chosen != "auto":
            return chosen
        sources = {self.grid.models[name].source for name in self.grid.studied}
        return "collapsed" if all(map(is_trained_here, sources)) else "none"

    @property
    def configuration(self) -> dict[str, Any]:
        """The configuration in the report, without settings that do not affect results."""
        shown = {key: value for key, value in self.grid.config.items() if key not in LEFT_OUT}
        models = {name: _without(model.settings, {"gpus"}) for name, model in self.grid.models.items()}
        judges = {
            name: _without(judge.settings, {"gpus", *settings_of(judge).runtime_keys})
            for name, judge in self.grid.judges.items()
        }
        return {**shown, "models": models, "judges": judges}

    @property
    def artifacts(self) -> list[str]:
        """Files whose provenance the report lists, in the order in which they are created."""
        return [
            paths.PROMPTS,
            *(paths.MODEL.at(model=model) for model in runnable(self.grid)),
            *self.grid.checkpoints(self.grid.edited_pairs),
            *paths.responses().of(judged_pairs(self.grid)),
            *judgment_files(self.grid),
            paths.VERDICTS,
        ]


def _without(settings: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in keys}
