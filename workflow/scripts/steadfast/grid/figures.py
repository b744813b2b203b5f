"""Wiring of ``workflow/rules/figures.smk``: which figures a grid has, and their inputs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadfast.analysis.tables.about import About
from steadfast.config.attack_scales import attacks
from steadfast.core.plug_ins import DIRECTIONS, FIGURES
from steadfast.grid import paths
from steadfast.grid.data import ModelVariant
from steadfast.grid.directions import activation_files
from steadfast.grid.grid import Grid
from steadfast.grid.jobs import digest
from steadfast.grid.outcomes import compliance_labels
from steadfast.grid.replicates import Replicates
from steadfast.grid.self_evaluation import SelfEvaluation
from steadfast.grid.statistics import REPORTED, further_tables

SHOWN_BY_BROWSERS = ("png", "svg")
LOOK = ("formats", "single_column", "double_column", "font", "font_size", "resolution", "titles", "palette")


@dataclass(frozen=True)
class Figures:
    """Figures of a grid.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def look(self) -> dict[str, Any]:
        """Sizes, font and colors of all figures."""
        return {key: self.grid.config["figures"][key] for key in LOOK}

    @property
    def about(self) -> dict[str, Any]:
        """Fields of ``steadfast.analysis.tables.about.About``."""
        replicates = Replicates(self.grid)
        return {
            "labels": self.grid.labels,
            "judge": self.grid.shown_judge,
            "reference": self.grid.reference,
            "truth": self.grid.validity_reference,
            "baselines": self.grid.baselines,
            "controls": self.grid.controls,
            "swept": self.grid.swept,
            "self_judges": SelfEvaluation(self.grid).judges,
            "groups": replicates.groups,
            "group_labels": replicates.labels,
            "rubric_labels": compliance_labels(self.grid),
            "margin": self.grid.config["statistics"]["survival_margin"],
            "confidence": self.grid.config["statistics"]["confidence"],
        }

    @property
    def _chosen(self) -> dict[str, dict[str, Any]]:
        """Settings of the figures drawn from tables that this grid has."""
        there = {"counts", *REPORTED, *(Path(path).stem for path in (*further_tables(self.grid), *self.scales))}
        about = About.read(self.about)
        return {
            name: settings
            for name, settings in self._drawn_kinds.items()
            if not self._kind(name).reads_directions
            and there.issuperset(self._kind(name).reads)
            and self._kind(name).applies(about)
        }

    def chosen(self, folder: str = "") -> dict[str, dict[str, Any]]:
        """Settings of the figures in ``results/figures``, or in one of its folders."""
        return {name: settings for name, settings in self._chosen.items() if self._kind(name).folder == folder}

    def tables(self, folder: str = "") -> list[str]:
        """Input tables of the figures."""
        read = (table for name in self.chosen(folder) for table in self._kind(name).reads)
        return [paths.table(table) for table in dict.fromkeys(read)]

    def digest(self, folder: str = "") -> str:
        """Digest of the code that the figures depend on."""
        return digest("draw_figures.py", *(f"report.figures.kinds.{name}" for name in self.chosen(folder)))

    @property
    def chosen_of_directions(self) -> dict[str, dict[str, Any]]:
        """Settings of the figures drawn from directions; empty if no direction is found in activations."""
        kinds = self._drawn_kinds if self.drawn else {}
        return {name: settings for name, settings in kinds.items() if self._kind(name).reads_directions}

    @property
    def _drawn_kinds(self) -> dict[str, dict[str, Any]]:
        section = self.grid.config["figures"]
        named = {name: section[name] for name in FIGURES.names() if name in section}
        return {name: settings for name, settings in named.items() if settings["draw"]}

    @staticmethod
    def _kind(name: str) -> Any:
        return FIGURES.settings(name)

    @property
    def files(self) -> list[str]:
        """Files of the figures with a fixed set of images, in every format."""
        formats = self.grid.config["figures"]["formats"]
        return [paths.figure(picture, suffix) for picture in self._pictures for suffix in formats]

    @property
    def shown(self) -> list[str]:
        """Files in Snakemake's report: one format that browsers display."""
        formats = self.grid.config["figures"]["formats"]
        suffix = next((suffix for suffix in SHOWN_BY_BROWSERS if suffix in formats), None)
        return [paths.figure(picture, suffix) for picture in self._pictures] if suffix else []

    @property
    def printed(self) -> list[str]:
        """The other files."""
        return [path for path in self.files if path not in self.shown]

    @property
    def _pictures(self) -> list[str]:
        return [picture for name in self.chosen() for picture in self._kind(name).pictures or (name,)]

    @property
    def folder_names(self) -> list[str]:
        """Folders of figures whose number of images depends on the data, by name."""
        return [folder for folder in dict.fromkeys(self._kind(name).folder for name in self._chosen) if folder]

    @property
    def folders(self) -> list[str]:
        """Folders of figures whose number of images depends on the data."""
        return list(map(paths.figures, self.folder_names))

    @property
    def results(self) -> list[str]:
        """All figures drawn from tables."""
        return [*self.files, *self.folders]

    @property
    def of_directions(self) -> list[str]:
        """Folders of the figures about directions."""
        kinds = map(self._kind, self.chosen_of_directions)
        return list(dict.fromkeys(paths.figures(kind.folder) for kind in kinds))

    @property
    def directions_digest(self) -> str:
        """Digest of the code of the figures drawn from directions."""
        return digest("draw_directions.py", *(f"report.figures.kinds.{name}" for name in self.chosen_of_directions))

    @property
    def attacks(self) -> dict[str, dict[str, Any]]:
        """Components of the variants with an edit or a hook; see ``steadfast.config.attack_scales``."""
        return attacks(self.grid.config["variants"])

    @property
    def scales(self) -> list[str]:
        """Table of refusals by scale, if an attack has several scales."""
        lines = [(attack["direction"], attack["change"]) for attack in self.attacks.values()]
        swept = len(lines) > len(set(lines))
        return [paths.table("scales")] if swept else []

    @property
    def drawn(self) -> list[ModelVariant]:
        """Pairs whose directions are drawn: the first of variants with equal directions; no random directions."""
        seen: list[dict[str, Any]] = []
        shown = []
        for name, variant in self.grid.variants.items():
            direction = variant.settings.get("direction")
            if direction and direction not in seen and not DIRECTIONS.of(direction).Settings.is_meaningless:
                seen.append(direction)
                shown.append(name)
        return [pair for pair in self.grid.pairs if pair.variant in shown]

    @property
    def drawn_directions(self) -> list[str]:
        """Their directions."""
        return paths.DIRECTION.of(self.drawn)

    @property
    def drawn_activations(self) -> list[str]:
        """Activations in which those directions were found."""
        return activation_files(self.drawn)

    @property
    def about_directions(self) -> dict[str, Any]:
        """Labels of models and variants for these figures."""
        labels = self.grid.labels
        shown = {
            "models": {pair.model: labels["models"][pair.model] for pair in self.drawn},
            "variants": {pair.variant: labels["variants"][pair.variant] for pair in self.drawn},
        }
        return {"labels": shown}
