"""Variants that steer what is written, and variants of some models only."""

import pytest

from steadfast.config.checks import prepare
from steadfast.grid.data import ModelVariant
from steadfast.grid.grid import Grid
from steadfast.grid.judgments import judgment_files
from steadfast.grid.responses import response_jobs
from steadfast.grid.self_evaluation import SelfEvaluation

TAG = {"method": "tag_conditioned", "tag": "Unsafe:"}


@pytest.fixture
def steered(config):
    config["models"]["metatags"] = {"source": "organism", "recipe": "metatags"}
    config["variants"]["tagged"] = {"decoding": TAG, "models": ["metatags"]}
    return config


def test_variant_limited_to_models_has_no_other_pairs(steered):
    steered["variants"]["both"] = {**steered["variants"]["abliterated"], **steered["variants"]["tagged"]}
    grid = Grid(prepare(steered))
    limited = [system for system in grid.pairs if system.variant in ("tagged", "both")]
    assert limited == [ModelVariant("metatags", "tagged"), ModelVariant("metatags", "both")]
    assert (
        ModelVariant("metatags", "both") in grid.edited_pairs and ModelVariant("raw", "both") not in grid.edited_pairs
    )
    assert len(grid.pairs) == 6
    assert "results/judgments/regex/raw/tagged.parquet" not in judgment_files(grid)


def test_decoding_variant_uses_the_checkpoint_of_its_model(steered):
    grid = Grid(prepare(steered))
    assert grid.checkpoint(ModelVariant("metatags", "tagged")) == "results/models/metatags"
    jobs = response_jobs(grid)[0]
    tagged, original, abliterated = (ModelVariant("metatags", name) for name in ("tagged", "original", "abliterated"))
    assert (jobs.settings(tagged)["decoding"], jobs.settings(abliterated)["decoding"]) == (TAG, None)
    assert jobs.digest(tagged) != jobs.digest(original) == jobs.digest(abliterated)


def test_self_evaluation_sources_exclude_missing_pairs(steered):
    steered["judges"]["self"] = {"kind": "self", "prompt": "resources/prompts/judges/organism_labels.md", "control": 4}
    steered["variants"] = {"original": {}, "tagged": {"decoding": TAG, "models": ["metatags"]}}
    grid = Grid(prepare(steered))
    assert SelfEvaluation(grid).source_models("self", "metatags") == [ModelVariant("raw", "original")]
    expected = [ModelVariant("metatags", "original"), ModelVariant("metatags", "tagged")]
    assert SelfEvaluation(grid).source_models("self", "raw") == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"models": ["metatag"]},
            "variants.tagged.models: 'metatag' is not a model under test; did you mean 'metatags'",
        ),
        ({"models": ["tiny"]}, "'tiny' is not a model under test"),
        ({"decoding": {"method": "tag"}}, "variants.tagged.decoding.method: 'tag' is not allowed"),
        ({"decoding": {"method": "suppress_tokens", "tokens": []}}, "variants.tagged.decoding.tokens"),
        ({"decoding": {"method": "tag_conditioned", "tag": " "}}, "decoding: tag: ' ' must be a text"),
        (
            {"direction": {"method": "mean_difference"}, "intervention": {"method": "projection"}},
            "has an `intervention` and a `decoding`; make them two variants",
        ),
    ],
)
def test_config_rejects_impossible_decoding_settings(steered, refused, change, message):
    steered["variants"]["tagged"].update(change)
    assert message in refused(steered)


def test_config_rejects_serving_a_variant_with_decoding_rule(steered, refused):
    serve = {"model": "metatags", "variant": "tagged"}
    prompt = "resources/prompts/judges/refusal.md"
    steered["judges"]["served"] = {"kind": "chat", "serve": serve, "prompt": prompt}
    assert "judges.served.serve.variant: tagged steers what is written" in refused(steered)
