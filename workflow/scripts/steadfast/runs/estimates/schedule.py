"""Simulated end of a set of steps, with longest-first scheduling on free cores."""

import heapq
from collections import defaultdict
from collections.abc import Collection, Mapping


def seconds_until_done(
    waiting: Mapping[int, float],
    running: Mapping[int, float],
    needs: Mapping[int, Collection[int]],
    threads: Mapping[int, int],
    cores: int | None,
) -> float:
    """Seconds until all steps are over.

    Args:
        waiting: seconds of each step that has not started.
        running: remaining seconds of each running step.
        needs: dependencies of waiting steps; steps that neither wait nor run are finished.
        threads: number of cores of each step.
        cores: number of shared cores; None if only dependencies limit the steps.
    """
    free = float("inf") if cores is None else cores - sum(threads[step] for step in running)
    before = {step: {other for other in needs[step] if other in waiting or other in running} for step in waiting}
    after: dict[int, list[int]] = defaultdict(list)
    for step, others in before.items():
        for other in others:
            after[other].append(step)
    ready = [(-waiting[step], step) for step, others in before.items() if not others]
    ends = [(seconds, step) for step, seconds in running.items()]
    heapq.heapify(ready)
    heapq.heapify(ends)
    moment = 0.0
    while ready or ends:
        kept = []
        while ready and free > 0:
            first = heapq.heappop(ready)
            if threads[first[1]] > free:
                kept.append(first)
                continue
            free -= threads[first[1]]
            heapq.heappush(ends, (moment - first[0], first[1]))
        for one in kept:
            heapq.heappush(ready, one)
        if not ends:
            break
        moment, step = heapq.heappop(ends)
        free += threads[step]
        for later in after.pop(step, ()):
            before[later].discard(step)
            if not before[later]:
                heapq.heappush(ready, (-waiting[later], later))
    return moment
