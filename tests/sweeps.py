"""Cases of one test that differ in a model's architecture, a file's form or a provider's words, and in nothing else."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def sweep(cases: Iterable[Any], few: Collection[Any]) -> list[Any]:
    """All cases as parameters, those that are not among the few marked ``slow``.

    Args:
        cases: each a value, or the values of a case.
        few: one of each kind; every one of them has to be a case.
    """
    every = list(cases)
    unknown = [case for case in few if case not in every]
    assert not unknown, unknown
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=[] if case in few else [pytest.mark.slow])
        for case in every
    ]
