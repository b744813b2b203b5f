"""The order of the tests, which of them are slow, and how long the others may take."""

import gc
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

# hundreds of processes of tests import the package, each of which would compile it again
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# as many workers as cores have one thread each; several threads on one core take many times as long as one
os.environ.setdefault("OMP_NUM_THREADS", "1")
TESTS = Path(__file__).parent
# the longest files first, so that the workers of a parallel run end together
LONGEST = [
    "integration/test_slurm.py",
    "integration/test_real_model.py",
    "integration/test_vllm.py",
    "integration",
    "workflow",
    "unit/analysis/side_effects/test_edit_checks.py",
    "unit/test_scripts.py",
]
SLOW_FIXTURES = frozenset({"jobs"})
"""They run a whole grid; what needs one of them is slow."""
MOST_SECONDS = 20.0
"""Seconds of a core that a test may take unless it is marked `slow`. They take two at most; on a machine that is busy
with other things as well, a core does half as much in a second, or less."""


@cache
def place(file: Path) -> int:
    """The order of a file of tests: after those that take longer, and before those that take a few seconds."""
    return next((number for number, name in enumerate(LONGEST) if file.is_relative_to(TESTS / name)), len(LONGEST))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place(item.path))
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Keep thousands of tests and the libraries, which stay, out of every search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    before = seconds_of_cores()
    yield
    taken = seconds_of_cores() - before
    if taken > MOST_SECONDS and item.get_closest_marker("slow") is None:
        pytest.fail(f"took {taken:.0f} s of a core, above {MOST_SECONDS:.0f}: make it faster, or mark it `slow`")


def seconds_of_cores() -> float:
    """What this process and the ended ones that it started have used."""
    return sum(os.times()[:4])
