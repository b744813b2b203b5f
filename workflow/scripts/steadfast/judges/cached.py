"""Cached verdicts, keyed by everything they depend on, so that no case is judged twice."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from steadfast.core.result_cache import ResultCache, request_key
from steadfast.judges.interface import Case, Judge, Verdict


def judge_cached(judge: Judge, cases: Sequence[Case], identity: Mapping[str, Any], cache: ResultCache) -> list[Verdict]:
    """Judge the cases that are not in the cache, store their verdicts, and return all verdicts.

    Args:
        judge: the judge.
        cases: cases to judge.
        identity: everything that a verdict depends on in addition to the case: weights, prompt template, settings,
            code.
        cache: directory of the cache.
    """
    requests = [{**identity, "case": [case.prompt, case.response, case.unfinished_thinking]} for case in cases]
    keys = [request_key(request) for request in requests]
    missing = {key: position for position, key in enumerate(keys) if cache.get(key) is None}
    found = judge.judge([cases[position] for position in missing.values()]) if missing else []
    for position, verdict in zip(missing.values(), found, strict=True):
        cache.put(requests[position], asdict(verdict))
    return [Verdict(**(cache.get(key) or {})) for key in keys]
