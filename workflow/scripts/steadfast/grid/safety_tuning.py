"""Wiring of ``workflow/rules/safety_tuning.smk``: training data and adapters."""

from dataclasses import dataclass

from steadfast.core.errors import ConfigError
from steadfast.grid import paths
from steadfast.grid.grid import Grid
from steadfast.training.safety_tuning.recipes import load_recipes

TRAINING_FILES = ("recipes", "harmful", "over_refusal", "plain", "framings", "answers")
UNTUNED = "raw"


@dataclass(frozen=True)
class SafetyTuning:
    """Safety tuning of a grid's untuned model.

    Attributes:
        grid: the grid.
    """

    grid: Grid

    @property
    def base(self) -> str | None:
        """The untuned model of the grid, if there is one."""
        base = self.grid.config["safety_tuning"]["base"]
        return base or (UNTUNED if UNTUNED in self.grid.models else None)

    @property
    def base_directory(self) -> str:
        """Directory of the untuned model, if there is one."""
        return paths.MODEL.at(model=str(self.base))

    @property
    def folder(self) -> str:
        """The folder of the training data."""
        return str(self.grid.config["safety_tuning"]["data"])

    @property
    def files(self) -> list[str]:
        """The files of the training data."""
        return [f"{self.folder}/{name}.yaml" for name in TRAINING_FILES]

    def adapters(self, _wildcards: object = None) -> list[str]:
        """Adapters of every recipe and seed, ordered by seed.

        Raises:
            ConfigError: no model of the grid is the untuned model.
            DataError: the recipes file is invalid.
        """
        if self.base is None:
            raise ConfigError(f"safety_tuning.base: name the untuned model; models: {', '.join(self.grid.models)}")
        recipes = load_recipes(f"{self.folder}/recipes.yaml").recipes
        seeds = self.grid.config["safety_tuning"]["seeds"]
        return [paths.ADAPTER.at(recipe=recipe, seed=str(seed)) for seed in seeds for recipe in recipes]
