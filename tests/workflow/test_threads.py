"""How many threads each job gets: tiny models one, others what keeps the cores busy."""

import pytest


@pytest.fixture
def threads(fresh):
    """Threads that jobs get in a dry run on a number of cores, by rule."""

    def found(cores: int) -> dict[str, set[int]]:
        status, text = fresh.dry_run("--cores", str(cores))
        assert status == 0, text
        return fresh.threads()

    return found


def test_model_organisms_use_one_thread_each(threads):
    found = threads(8)
    assert found["responses"] == found["measure_organisms"] == {1} == set().union(*found.values())


def test_model_of_unknown_size_shares_cores_with_parallel_jobs(fresh, threads):
    fresh.put("models.real", {"source": "hub", "repo": "maker/model", "revision": "0" * 40})
    fresh.put("models.raw", {"source": "organism", "recipe": "raw", "role": "judge"})
    fresh.put("models.score0", {"source": "organism", "recipe": "score0", "role": "judge"})
    fresh.put(
        "judges.reader", {"kind": "local", "model": "real", "prompt": "resources/prompts/judges/organism_labels.md"}
    )
    found = threads(8)
    # one model: its activations, and a job each for all responses, judgments and side effects of it
    assert found["activations"] == found["measure_model_real"] == {8}
    assert found["responses"] == found["judge_own_responses"] == {8}
    # one of two judges with a model of their own, the other is tiny
    assert found["judge_with_reader"] == {4} and found["judge_with_local"] == {1}
    # two of three variants are edited
    assert found["checkpoint"] == {4}
    assert found["judge_with_regex"] == found["direction"] == {1}


def test_finished_outputs_leave_their_cores_to_the_rest(fresh, threads):
    fresh.put(
        "models",
        {
            "real": {"source": "hub", "repo": "maker/model", "revision": "0" * 40},
            "tiny": fresh.config["models"]["tiny"],
        },
    )
    (fresh.folder / "results/checkpoints/real/random").mkdir(parents=True)
    assert threads(8)["checkpoint"] == {8}
