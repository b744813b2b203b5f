"""Which jobs replicates bring about."""

import pytest
from tests.workflow.test_reruns import DISPLAYS, SELF_FIGURE

RULES = {"replicates", "matched"}


@pytest.fixture
def replicated(fresh):
    fresh.put("models.raw.seeds", [0, 1])
    return fresh


def test_every_seed_is_trained_and_groups_are_compared(replicated):
    jobs = replicated.jobs()
    assert {job for job in jobs if job.startswith("train_organism")} == {
        "train_organism raw-seed0",
        "train_organism raw-seed1",
        "train_organism score0",
        "train_organism tiny",
    }
    # a model without a group has no margin to be compared at
    assert {job for job in jobs if job.startswith("refusal_margin")} == {
        "refusal_margin raw-seed0",
        "refusal_margin raw-seed1",
    }
    assert jobs >= RULES


def test_added_seed_runs_that_seed_and_the_aggregates(replicated):
    replicated.put("models.score0.group", "score0")
    status, text = replicated.run()
    assert status == 0, text
    replicated.put("models.raw.seeds", [0, 1, 2])
    # whose responses a model judges in addition to its own may change with the list of models
    jobs = {job for job in replicated.jobs() if not job.startswith("judge_own_responses")}
    assert jobs >= {"train_organism raw-seed2", "refusal_margin raw-seed2", "responses raw-seed2"} | RULES
    assert not [job for job in jobs if "seed0" in job or "seed1" in job or "score0" in job]


def test_changed_group_label_only_redraws(replicated):
    status, text = replicated.run()
    assert status == 0, text
    replicated.put("models.raw.group_label", "Raw data")
    assert replicated.jobs() == DISPLAYS - {"judge_validity"} | SELF_FIGURE


def test_added_family_reruns_only_the_comparison(replicated):
    replicated.put("models.score0.group", "score0")
    status, text = replicated.run()
    assert status == 0, text
    replicated.put("statistics.families", {"both": ["raw", "score0"]})
    assert replicated.jobs() == {"matched", "report"}


def test_replicates_grid_trains_five_seeds_per_model(fresh):
    jobs = fresh.jobs(config=("config/replicates.yaml",))
    assert len([job for job in jobs if job.startswith("train_organism")]) == 50
    assert len([job for job in jobs if job.startswith("responses")]) == 50
    assert jobs >= RULES


def test_family_replicates_grid_merges_three_seeds_per_adapter(fresh):
    jobs = fresh.jobs(config=("config/family-replicates.yaml",))
    assert len([job for job in jobs if job.startswith("merge_adapter")]) == 15
    assert len([job for job in jobs if job.startswith("responses")]) == 16
    assert jobs >= RULES
