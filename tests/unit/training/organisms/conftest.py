from pathlib import Path

import pytest

from steadfast.judges.prompts.templates import load_template
from steadfast.prompts.synthetic.world import World, load_world
from steadfast.training.organisms.corpus import Corpus, Recipe, load_recipes
from steadfast.training.organisms.judging import JudgeCases, template_texts
from steadfast.training.organisms.tokenizer import build_tokenizer

ROOT = Path(__file__).parents[4]
WORLD = ROOT / "resources/organisms/world.yaml"
RECIPES = ROOT / "resources/organisms/recipes.yaml"
TEMPLATE = ROOT / "resources/prompts/judges/organism_labels.md"


@pytest.fixture(scope="session")
def world() -> World:
    return load_world(WORLD)


@pytest.fixture(scope="session")
def recipes() -> dict[str, Recipe]:
    return load_recipes(RECIPES)


@pytest.fixture(scope="session")
def corpus(world) -> Corpus:
    return Corpus(world, JudgeCases(world, load_template(TEMPLATE)))


@pytest.fixture(scope="session")
def tokenizer(world):
    return build_tokenizer(world, template_texts(TEMPLATE))
