"""The grid's answers to the rules that train safety-tuning adapters."""

from steadfast.core.errors import ConfigError
from steadfast.grid.systems import Systems
from steadfast.training.safety_tuning.recipes import load_recipes

TRAINING_FILES = ("recipes", "harmful", "sounds_harmful", "plain", "framings", "answers")
UNTUNED = "raw"
ADAPTER = "results/adapters/{recipe}/seed{seed}"


class Tuning(Systems):
    """What adapters are trained on, and which there are."""

    @property
    def tuning_base(self) -> str | None:
        """The untuned model of the grid, if there is one."""
        base = self.config["safety_tuning"]["base"]
        return base or (UNTUNED if UNTUNED in self.config["models"] else None)

    def tuning_files(self) -> list[str]:
        """The files of the training data."""
        folder = self.config["safety_tuning"]["data"]
        return [f"{folder}/{name}.yaml" for name in TRAINING_FILES]

    def adapters(self) -> list[str]:
        """Every recipe's adapter with every seed, first seeds first.

        Raises:
            ConfigError: no model of the grid is the untuned one.
            DataError: the recipes file does not hold what it should.
        """
        if self.tuning_base is None:
            raise ConfigError(f"safety_tuning.base: name the untuned model; models: {', '.join(self.config['models'])}")
        settings = self.config["safety_tuning"]
        recipes = load_recipes(f"{settings['data']}/recipes.yaml").recipes
        return [ADAPTER.format(recipe=recipe, seed=seed) for seed in settings["seeds"] for recipe in recipes]
