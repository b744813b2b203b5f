"""The training data of all recipes, from the files under resources/safety_tuning/."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from steadfast.training.safety_tuning.composed_responses import Wordings, load_wordings
from steadfast.training.safety_tuning.recipes import Recipes, load_recipes
from steadfast.training.safety_tuning.requests import TopicRequest, load_framings, load_harmful, load_harmless
from steadfast.training.safety_tuning.sampling import (
    TrainingPrompt,
    drop_near_duplicates,
    drop_paraphrases,
    sample_prompts,
)

HARMFUL, OVER_REFUSAL, PLAIN = "harmful", "over_refusal", "plain"
PROMPT_SETS = (HARMFUL, OVER_REFUSAL, PLAIN)
SEEDS = {HARMFUL: "harmful", OVER_REFUSAL: "sounds_harmful", PLAIN: "plain"}
"""Seed texts of the random numbers of each set; the bundled adapters were trained with them."""


@dataclass(frozen=True)
class TrainingData:
    """Training data shared by all recipes.

    Attributes:
        recipes: the recipes file.
        requests: requests by group, without paraphrases of a run's prompts.
        prompts: prompts by group, without near-duplicates of a run's prompts.
        wordings: building blocks of answers.
    """

    recipes: Recipes
    requests: dict[str, list[TopicRequest]]
    prompts: dict[str, list[TrainingPrompt]]
    wordings: Wordings

    @property
    def harmless_prompts(self) -> list[TrainingPrompt]:
        """The prompts of both harmless groups."""
        return [*self.prompts[OVER_REFUSAL], *self.prompts[PLAIN]]


def load_training_data(folder: str | Path, others: Iterable[str]) -> TrainingData:
    """Read the files of ``folder`` and sample the prompts of every group.

    Args:
        folder: holds ``recipes.yaml``, ``harmful.yaml``, ``over_refusal.yaml``, ``plain.yaml``, ``framings.yaml`` and
            ``answers.yaml``.
        others: calibration and evaluation prompts, which no training prompt may be a near-duplicate of.

    Raises:
        DataError: a file does not hold what it should.
    """
    files = Path(folder)
    recipes = load_recipes(files / "recipes.yaml")
    harmful, topics = load_harmful(files / "harmful.yaml")
    requests = {
        HARMFUL: harmful,
        OVER_REFUSAL: load_harmless(files / "over_refusal.yaml"),
        PLAIN: load_harmless(files / "plain.yaml"),
    }
    framings = load_framings(files / "framings.yaml")
    excluded = list(others)
    for name in PROMPT_SETS:
        requests[name] = drop_paraphrases(requests[name], excluded, recipes.data.paraphrases)
    prompts = {}
    for name in PROMPT_SETS:
        rng = random.Random(f"{SEEDS[name]} {recipes.data.seed}")
        drawn = sample_prompts(requests[name], framings, getattr(recipes.data, name), rng)
        prompts[name] = drop_near_duplicates(drawn, excluded, recipes.data.near_duplicates)
    return TrainingData(recipes, requests, prompts, load_wordings(files / "answers.yaml", topics))


def texts(prompts: Sequence[TrainingPrompt]) -> list[str]:
    """The prompts' texts."""
    return [prompt.text for prompt in prompts]
