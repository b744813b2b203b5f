"""The order of the tests: the longest files first, so that the workers of a parallel run end together."""

import os
from pathlib import Path

import pytest

# hundreds of processes of tests import the package, each of which would compile it anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
TESTS = Path(__file__).parent
LONGEST = [
    "integration/test_slurm.py",
    "integration/test_real_model.py",
    "integration/test_vllm.py",
    "integration",
    "workflow",
    "unit/analysis/side_effects/test_edit_checks.py",
    "unit/test_scripts.py",
]


def place(file: Path) -> int:
    """The order of a file of tests: after those that take longer, and before those that take a few seconds."""
    return next((number for number, name in enumerate(LONGEST) if file.is_relative_to(TESTS / name)), len(LONGEST))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place(item.path))
