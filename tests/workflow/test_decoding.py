"""Which jobs a variant brings about that steers what is written, in some of the models."""

import pytest


@pytest.fixture
def steered(fresh):
    fresh.put("variants.tagged", {"decoding": {"method": "tag_conditioned", "tag": "Unsafe:"}, "models": ["score0"]})
    return fresh


def test_it_has_responses_of_models_and_nothing_else_of_own(steered):
    jobs = steered.jobs()
    assert not [job for job in jobs if job.endswith("tagged")], "it has no direction and no checkpoint"
    # of the models in that variant, which has one more than the others
    assert {job for job in jobs if "responses" in job} == {
        "responses raw",
        "responses_2 score0",
        "judge_own_responses self raw",
        "judge_own_responses_2 self score0",
    }


def test_a_changed_rule_runs_its_responses_and_what_reads_them(steered):
    status, text = steered.run()
    assert status == 0, text
    steered.put("variants.tagged.decoding.tag", "Safe:")
    jobs = steered.jobs()
    assert {job for job in jobs if job.startswith("responses")} == {"responses_2 score0"}
    assert not [job for job in jobs if job.startswith(("train_organism", "direction", "checkpoint", "activations"))]
    assert "judge_with_grammar" in jobs and "verdicts" in jobs


def test_the_grid_of_tags(fresh):
    jobs = fresh.jobs(config=("config/tags.yaml",))
    rules = {model: job.split()[0] for job in jobs for model in job.split()[1:] if job.startswith("responses")}
    assert rules["metatags-seed2"] != rules["rephrase-seed0"]
