"""Cached verdicts, keyed by everything they depend on, so that no case is judged twice."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from steadfast.core.result_cache import ResultCache, request_key
from steadfast.judges.interface import Case, Judge, Verdict


def judge_cached(judge: Judge, cases: Sequence[Case], identity: Mapping[str, Any], cache: ResultCache) -> list[Verdict]:
    """Judge the cases that the cache does not know, keep their verdicts, and return all.

    Args:
        judge: the judge.
        cases: what is to be judged.
        identity: what a verdict depends on in addition to the case: weights, prompt template, settings, code.
        cache: where verdicts are kept.
    """
    requests = [{**identity, "case": [case.prompt, case.response, case.unfinished_thinking]} for case in cases]
    keys = [request_key(request) for request in requests]
    missing = {key: position for position, key in enumerate(keys) if cache.get(key) is None}
    found = judge.judge([cases[position] for position in missing.values()]) if missing else []
    for position, verdict in zip(missing.values(), found, strict=True):
        cache.put(requests[position], asdict(verdict))
    return [Verdict(**(cache.get(key) or {})) for key in keys]
