"""When the last of some steps ends, if the longest that can start is started first, as long as cores are free."""

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
        waiting: seconds that each step takes which has not begun.
        running: seconds that each step still takes which has.
        needs: for steps that wait, those that come before them; what neither waits nor runs is over.
        threads: cores that each step takes.
        cores: what they share; None if only their order limits them.
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
