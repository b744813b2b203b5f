"""Workers of a search: what part of the machine each has, and that a failure of one is reported."""

import pytest

from steadfast.analysis.attack_search.workers import _check, environment_of
from steadfast.core.errors import SteadfastError

GPUS = {"CUDA_VISIBLE_DEVICES": "0,1,2,3,4", "OMP_NUM_THREADS": "8"}


@pytest.mark.parametrize(
    ("worker", "count", "gpus"),
    [(0, 2, "0,1"), (1, 2, "2,3"), (2, 5, "2"), (5, 6, "0")],
    ids=["two each", "the next two", "one each", "more workers than GPUs"],
)
def test_every_worker_has_its_part(worker, count, gpus):
    found = environment_of(worker, count, GPUS)
    assert found["CUDA_VISIBLE_DEVICES"] == gpus
    assert found["OMP_NUM_THREADS"] == str(max(1, 8 // count))


def test_without_gpus_nothing_is_hidden():
    assert "CUDA_VISIBLE_DEVICES" not in environment_of(1, 2, {"PATH": "", "OMP_NUM_THREADS": "1"})


def test_a_worker_that_failed_is_reported_with_its_words():
    class Process:
        def __init__(self, status):
            self.status = status

        def poll(self):
            return self.status

        def tail(self):
            return "no such file"

    _check({1: Process(None), 2: Process(0)})
    with pytest.raises(SteadfastError, match="worker 2 of the search failed:\nno such file"):
        _check({1: Process(None), 2: Process(1)})
