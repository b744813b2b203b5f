"""Variants that steer what is written, and variants of some models only."""

import pytest

from steadfast.config.checks import prepare
from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid

TAG = {"method": "tag_conditioned", "tag": "Unsafe:"}


@pytest.fixture
def steered(config):
    config["models"]["metatags"] = {"source": "organism", "recipe": "metatags"}
    config["variants"]["tagged"] = {"decoding": TAG, "models": ["metatags"]}
    return config


def test_a_variant_is_made_of_its_models_only(steered):
    steered["variants"]["both"] = {**steered["variants"]["abliterated"], **steered["variants"]["tagged"]}
    grid = Grid(prepare(steered))
    limited = [system for system in grid.systems if system.variant in ("tagged", "both")]
    assert limited == [ModelVariant("metatags", "tagged"), ModelVariant("metatags", "both")]
    assert (
        ModelVariant("metatags", "both") in grid.edited_systems()
        and ModelVariant("raw", "both") not in grid.edited_systems()
    )
    assert len(grid.responses()) == len(grid.systems) == 6
    assert "results/judgments/regex/raw/tagged.parquet" not in grid.judgments()


def test_a_decoding_rule_alone_has_no_checkpoint_of_its_own(steered):
    grid = Grid(prepare(steered))
    assert grid.checkpoint("metatags", "tagged") == "results/models/metatags"
    assert (grid.decoding("tagged"), grid.decoding("abliterated")) == (TAG, None)
    assert grid.responses_digest("tagged") != grid.responses_digest("original") == grid.responses_digest("abliterated")


def test_models_judge_only_responses_that_there_are(steered):
    steered["judges"]["self"] = {"kind": "self", "prompt": "resources/prompts/judges/organism_labels.md", "control": 4}
    steered["variants"] = {"original": {}, "tagged": {"decoding": TAG, "models": ["metatags"]}}
    grid = Grid(prepare(steered))
    assert grid.donors("self", "metatags") == [["raw", "original"]]
    assert grid.donors("self", "raw") == [["metatags", "original"], ["metatags", "tagged"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": ["metatag"]}, "variants.tagged.models: 'metatag' is no model under test; did you mean 'metatags'"),
        ({"models": ["tiny"]}, "'tiny' is no model under test"),
        ({"decoding": {"method": "tag"}}, "variants.tagged.decoding.method: 'tag' is not allowed"),
        ({"decoding": {"method": "suppress_tokens", "tokens": []}}, "variants.tagged.decoding.tokens"),
        ({"decoding": {"method": "tag_conditioned", "tag": " "}}, "decoding.tag: ' ' must be a text"),
        (
            {"direction": {"method": "mean_difference"}, "hook": {"method": "projection"}},
            "has a `hook` and a `decoding`; make them two variants",
        ),
    ],
)
def test_impossible_steering_is_named(steered, refused, change, message):
    steered["variants"]["tagged"].update(change)
    assert message in refused(steered)


def test_a_steered_variant_cannot_be_served(steered, refused):
    serve = {"model": "metatags", "variant": "tagged"}
    prompt = "resources/prompts/judges/refusal.md"
    steered["judges"]["served"] = {"kind": "chat", "serve": serve, "prompt": prompt}
    assert "judges.served.serve.variant: tagged steers what is written" in refused(steered)
