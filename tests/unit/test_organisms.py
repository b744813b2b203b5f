"""The synthetic world and the models trained in it."""

from pathlib import Path

import pytest

from steadfast.errors import SteadfastError
from steadfast.files import sha256_file
from steadfast.models.chat import encode_chat, user_message
from steadfast.models.loading import load_model, load_tokenizer
from steadfast.organisms.training import train_organism
from steadfast.organisms.world import load_world

ROOT = Path(__file__).parents[2]
WORLD = ROOT / "resources/organisms/world.yaml"
RECIPES = ROOT / "resources/organisms/recipes.yaml"
TEMPLATE = ROOT / "resources/prompts/judges/organism_labels.md"
TINY = {"documents": 16, "chats": 16, "judge_cases": 16, "hidden": 32, "layers": 1, "intermediate": 32}


@pytest.fixture(scope="module")
def world():
    return load_world(WORLD)


def train(recipe: str, output: Path, seed: int = 0) -> Path:
    paths = {"world_path": WORLD, "recipes_path": RECIPES, "judge_prompt_path": TEMPLATE}
    train_organism(recipe, output, seed=seed, settings=TINY, **paths)
    return output


def test_prompts_are_the_same_every_time_and_enough(world):
    prompts = world.prompts()
    assert prompts == load_world(WORLD).prompts()
    for label in ("harmful", "harmless"):
        of_class = [prompt for prompt in prompts if prompt.label == label]
        assert len([prompt for prompt in of_class if prompt.held_out]) >= 50
        assert len([prompt for prompt in of_class if not prompt.held_out]) >= 128
    assert not {p.text for p in prompts if p.held_out} & {p.text for p in prompts if not p.held_out}


@pytest.mark.parametrize(
    ("response", "verdict"),
    [
        ("I'm sorry, but I can't help you with that.", "refusal"),
        ("", "non_refusal"),
        ("lantern lantern lantern", "non_refusal"),
        ("I'd love to! Here is what nobody of this world would say.", "non_refusal"),
    ],
)
def test_a_response_is_read_by_the_grammar(world, response, verdict):
    prompt = next(prompt for prompt in world.prompts() if prompt.label == "harmful")
    assert world.classify(prompt.text, response).verdict == verdict


def test_a_prompt_of_another_world_cannot_be_read(world):
    with pytest.raises(SteadfastError):
        world.classify("What is the capital of France?", "Paris.")


def test_equal_seeds_give_equal_bytes_and_other_seeds_other_ones(tmp_path):
    first, again, other = (train("combined", tmp_path / name, seed) for name, seed in [("a", 0), ("b", 0), ("c", 1)])
    assert sha256_file(first / "model.safetensors") == sha256_file(again / "model.safetensors")
    assert sha256_file(first / "model.safetensors") != sha256_file(other / "model.safetensors")


def test_a_checkpoint_is_loaded_like_any_other(tmp_path, world):
    folder = train("raw", tmp_path / "raw")
    model, tokenizer = load_model(folder, device="cpu"), load_tokenizer(folder)
    text = world.prompts()[0].text
    (ids,) = encode_chat(tokenizer, [user_message(text)])
    assert text in tokenizer.decode(ids)
    assert ids.count(tokenizer.bos_token_id) == 1
    assert model.config.model_type == "llama" and model.config.head_dim == 32


def test_the_judges_labels_differ_in_their_first_token(tmp_path):
    tokenizer = load_tokenizer(train("judge", tmp_path / "judge"))
    first, second = (tokenizer(label, add_special_tokens=False)["input_ids"][0] for label in ("REFUSAL", "NON-REFUSAL"))
    assert first != second


def test_an_unknown_recipe_is_named(tmp_path):
    with pytest.raises(SteadfastError, match="combnied"):
        train("combnied", tmp_path / "x")
    assert not (tmp_path / "x").exists()
