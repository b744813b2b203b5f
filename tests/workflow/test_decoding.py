"""Which jobs a variant brings about that steers what is written, in some of the models."""

import pytest


@pytest.fixture
def steered(fresh):
    fresh.put("variants.tagged", {"decoding": {"method": "tag_conditioned", "tag": "Unsafe:"}, "models": ["score0"]})
    return fresh


def test_decoding_variant_has_responses_but_no_checkpoint(steered):
    jobs = steered.jobs()
    assert not [job for job in jobs if job.endswith("tagged")], "it has no direction and no checkpoint"
    # of the models in that variant, which has one more than the others
    assert {job for job in jobs if "responses" in job} == {
        "responses raw",
        "responses_2 score0",
        "judge_own_responses self raw",
        "judge_own_responses_2 self score0",
    }


def test_changed_decoding_rule_reruns_responses_and_their_readers(steered):
    status, text = steered.run()
    assert status == 0, text
    steered.put("variants.tagged.decoding.tag", "Safe:")
    jobs = steered.jobs()
    assert {job for job in jobs if job.startswith("responses")} == {"responses_2 score0"}
    assert not [job for job in jobs if job.startswith(("train_organism", "direction", "checkpoint", "activations"))]
    assert "judge_with_grammar" in jobs and "verdicts" in jobs


def test_tag_grid_gives_only_tagged_models_the_variant(fresh):
    jobs = fresh.jobs(config=("config/tags.yaml",))
    rules = {model: job.split()[0] for job in jobs for model in job.split()[1:] if job.startswith("responses")}
    assert rules["metatags-seed2"] != rules["rephrase-seed0"]
