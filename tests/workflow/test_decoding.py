"""Which jobs a variant brings about that steers what is written, in some of the models."""

import pytest


@pytest.fixture
def steered(fresh):
    fresh.put("variants.tagged", {"decoding": {"method": "tag_conditioned", "tag": "Unsafe:"}, "models": ["score0"]})
    return fresh


def test_it_has_responses_of_models_and_nothing_else_of_own(steered):
    jobs = {job for job in steered.jobs() if job.endswith("tagged")}
    assert jobs == {"responses score0 tagged", "judge_own_responses self score0 tagged"}


def test_a_changed_rule_runs_its_responses_and_what_reads_them(steered):
    status, text = steered.run()
    assert status == 0, text
    steered.put("variants.tagged.decoding.tag", "Safe:")
    jobs = steered.jobs()
    assert {job for job in jobs if job.startswith("responses")} == {"responses score0 tagged"}
    assert not [job for job in jobs if job.startswith(("train_organism", "direction", "checkpoint", "activations"))]
    assert "judge_with_grammar" in jobs and "verdicts" in jobs


def test_the_grid_of_tags(fresh):
    jobs = fresh.jobs(config=("config/tags.yaml",))
    assert "responses metatags-seed2 tag-suppressed" in jobs
    assert "responses rephrase-seed0 tag-conditioned" in jobs
    assert not [job for job in jobs if "rephrase" in job and "tag-suppressed" in job]
