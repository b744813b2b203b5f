"""The order of the tests, which of them are slow, and how long the others may take."""

import gc
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

# hundreds of processes of tests import the package, each of which would compile it again
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# as many workers as cores have one thread each; several threads on one core take many times as long as one
os.environ.setdefault("OMP_NUM_THREADS", "1")
# what has reached the disk matters after a crash of the machine alone; five thousand times it would take seconds
os.fsync = lambda descriptor: None
# what is imported and collected stays, so that no search for garbage finds any; see `pytest_collection_finish`
gc.disable()
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
ONE_WORKER = ("tests/workflow/",)
"""Folders whose tests have one worker, since each would start a server that has imported Snakemake."""
SLOW_FIXTURES = frozenset({"jobs"})
"""They run a whole grid; what needs one of them is slow."""
SEVERAL_SECONDS, MOST_SECONDS = 2.0, 20.0
"""Seconds of a core from which on a test that is not marked `slow` is listed, and from which on it fails. They take one
at most; on a machine that is busy with other things as well, a core does half as much in a second, or less."""
OWN, FIXTURES = "seconds of a core", "seconds of a core of its fixtures"
ALLOCATIONS = 50_000
"""Objects that are created, beyond those that are freed, between two searches for garbage."""
STARTED = pytest.StashKey[float]()


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


class Together(LoadFileScheduling):
    """The tests of a file have one worker, and so have those of some folders."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in ONE_WORKER if nodeid.startswith(folder)), super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return Together(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Keep thousands of tests and the libraries, which stay, out of every search for garbage, and search rarely.

    Searches as often as by default take a tenth of the time of all tests.
    """
    gc.freeze()
    gc.set_threshold(ALLOCATIONS)
    gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    about = "seconds of a core from which on a test fails that is not marked slow (default: %(default)s)"
    parser.addoption("--most-seconds", type=float, default=MOST_SECONDS, metavar="SECONDS", help=about)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[STARTED] = seconds_of_cores()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    before = seconds_of_cores()
    yield
    if item.get_closest_marker("slow") is not None:
        return
    taken, most = seconds_of_cores() - before, item.config.getoption("most_seconds")
    item.user_properties += [(OWN, round(taken, 2)), (FIXTURES, round(before - item.stash[STARTED], 2))]
    if taken > most:
        pytest.fail(f"took {taken:.1f} s of a core, above {most:g}: make it faster, or mark it `slow`")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what makes a quick run slow; workers send the seconds with their reports."""
    reports = (report for reports in terminalreporter.stats.values() for report in reports)
    calls = [report for report in reports if getattr(report, "when", "") == "call"]
    for title, name in (("tests that are not marked slow", OWN), ("fixtures that began with", FIXTURES)):
        taken = {report.nodeid: dict(report.user_properties).get(name, 0.0) for report in calls}
        several = sorted((seconds, test) for test, seconds in taken.items() if seconds > SEVERAL_SECONDS)
        if several:
            terminalreporter.section(f"more than {SEVERAL_SECONDS:g} seconds of a core: {title}")
        for seconds, test in reversed(several):
            terminalreporter.line(f"{seconds:6.1f} {test}")


def seconds_of_cores() -> float:
    """What this process and the ended ones that it started have used."""
    return sum(os.times()[:4])
