"""Wiring of ``workflow/rules/figures.smk``: which figures a grid has, and what of it they show."""

from dataclasses import dataclass
from typing import Any

from steadfast.config.attack_scales import attacks
from steadfast.core.plug_ins import DIRECTIONS
from steadfast.grid import paths
from steadfast.grid.data import ModelVariant
from steadfast.grid.directions import activation_files
from steadfast.grid.grid import Grid

STUDY = ("refusal_counts", "judge_correlation", "refusal_heatmap_harmful", "refusal_heatmap_harmless")


@dataclass(frozen=True)
class Figures:
    """Figures of a grid.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def study(self) -> list[str]:
        """Names of the figures that the study's tables are drawn as."""
        return [*STUDY, "controls"] if self.grid.controls else list(STUDY)

    @property
    def attacks(self) -> dict[str, dict[str, Any]]:
        """Variants with an edit or a hook by what they consist of; see ``steadfast.config.attack_scales``."""
        return attacks(self.grid.config["variants"])

    @property
    def scales(self) -> list[str]:
        """Table and figures of refusals against scale, where some attack comes in several scales."""
        lines = [(attack["direction"], attack["change"]) for attack in self.attacks.values()]
        swept = len(lines) > len(set(lines))
        return [paths.table("scales"), paths.figures("scales")] if swept else []

    @property
    def drawn(self) -> list[ModelVariant]:
        """Pairs whose directions are drawn: of variants with equal directions the first; none that are random."""
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
        """The activations that those were found in."""
        return activation_files(self.drawn)

    @property
    def drawn_labels(self) -> dict[str, dict[str, str]]:
        """Names of their models and variants in the figures."""
        labels = self.grid.labels
        return {
            "models": {pair.model: labels["models"][pair.model] for pair in self.drawn},
            "variants": {pair.variant: labels["variants"][pair.variant] for pair in self.drawn},
        }

    @property
    def directions(self) -> list[str]:
        """Folder of the figures about directions; none where nothing is found in activations."""
        return [paths.figures("directions")] if self.drawn else []
