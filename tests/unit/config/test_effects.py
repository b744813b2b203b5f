"""Side effects in the configuration."""

import pytest

from steadfast.config.checks import prepare
from steadfast.config.grid import Grid

NATURAL = {
    "kind": "file",
    "path": "resources/prompts/harmless.csv",
    "category_column": "category",
    "split_column": "split",
}


@pytest.fixture
def natural(config):
    """A configuration whose prompts are not synthetic."""
    for label in ("harmful", "harmless"):
        config["prompts"][label] = [{**NATURAL, "path": f"resources/prompts/{label}.csv"}]
    del config["judges"]["grammar"]
    return config


def test_synthetic_prompts_bring_a_text_and_a_grammar(config):
    grid = Grid(prepare(config))
    assert set(grid.weights_measures()) == {"divergence", "perplexity", "separation", "hook_agreement"}
    assert {"on_topic", "invented", "answer_form", "over_refusal"} <= set(grid.answers_measures())
    assert grid.measured_files() == grid.world_files() == ["resources/organisms/world.yaml"]


def test_other_prompts_do_not(natural):
    grid = Grid(prepare(natural))
    assert set(grid.weights_measures()) == {"divergence", "separation", "hook_agreement"}
    assert set(grid.answers_measures()) == {"over_refusal", "degenerate", "response_length"}
    assert grid.measured_files() == grid.world_files() == []


def test_a_text_brings_the_perplexity(natural):
    natural["side_effects"] = {"text": {"kind": "file", "path": "README.md", "column": "text"}}
    natural["side_effects"]["text"] = {"kind": "file", "path": "resources/prompts/harmless.csv"}
    grid = Grid(prepare(natural))
    assert grid.weights_measures()["perplexity"]["text"]["path"] == "resources/prompts/harmless.csv"
    assert grid.measured_files() == ["resources/prompts/harmless.csv"]


def test_measures_are_taken_as_named(config):
    config["side_effects"] = {"measures": ["instruction_following", "degenerate"], "instruction_tokens": 9}
    grid = Grid(prepare(config))
    tasks = "resources/prompts/instructions.yaml"
    assert grid.weights_measures() == {"instruction_following": {"tasks": tasks, "max_new_tokens": 9}}
    assert list(grid.answers_measures()) == ["degenerate"]
    assert grid.measured_files() == [tasks]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"measures": ["on_topic"]}, "`on_topic` reads the synthetic world only"),
        ({"measures": ["perplexity"]}, "side_effects.text: missing"),
        ({"measures": ["perplexty"]}, "did you mean 'perplexity'?"),
        (
            {"text": {"kind": "file", "path": "resources/prompts/harmless.csv", "column": "txt"}},
            "side_effects.text: column",
        ),
        (
            {"measures": ["instruction_following"], "instructions": "resources/organisms/recipes.yaml"},
            "side_effects.instructions: resources/organisms/recipes.yaml",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(natural, refused, settings, message):
    natural["side_effects"] = settings
    assert message in refused(natural)


def test_tiny_models_share_a_job_and_others_have_their_own(config):
    config["models"]["mine"] = {"source": "hub", "repo": "a/b", "revision": "0" * 40}
    config["models"]["combined"] = {"source": "organism", "recipe": "combined"}
    grid = Grid(prepare(config))
    batches = grid.measured_batches()
    assert {name: len(systems) for name, systems in batches.items()} == {"organisms": 4, "model_mine": 2}
    inputs = grid.measured_inputs(batches["model_mine"])
    assert inputs["models"] == ["results/models/mine"]
    assert inputs["checkpoints"] == ["results/checkpoints/mine/abliterated"]
    assert inputs["directions"] == ["results/directions/mine/abliterated.safetensors"]
    assert inputs["responses"] == ["results/responses/mine/original.parquet"]
