"""Progress of a long generation, as lines in the job's log."""

import time
from collections.abc import Callable


class Progress:
    """Prints how many responses are done, tokens per second and the time that is left.

    Loading the model comes before the first response and is over then: as soon as an interval has passed
    since that response, only what came after it counts for the pace.

    Args:
        total: responses that are wanted.
        resumed: responses that an earlier run had finished.
        interval: seconds between two lines; the last response always gets one.
        clock: monotonic seconds.
    """

    def __init__(
        self, total: int, *, resumed: int = 0, interval: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total, self._interval, self._clock = total, interval, clock
        self._done, self._tokens = resumed, 0
        self._printed = clock()
        self._since = (self._printed, self._done, self._tokens)
        self._first: tuple[float, int, int] | None = None
        if resumed:
            print(f"responses: {resumed}/{total} were finished by an earlier run", flush=True)

    def advance(self, tokens: int) -> None:
        """Count one more response of so many tokens."""
        self._done += 1
        self._tokens += tokens
        now = self._clock()
        self._first = self._first or (now, self._done, self._tokens)
        if now - self._first[0] >= self._interval:
            self._since = self._first
        if now - self._printed >= self._interval or self._done == self._total:
            self._printed = now
            print(self._line(now), flush=True)

    def _line(self, now: float) -> str:
        start, done, tokens = self._since
        seconds = max(now - start, 1e-9)
        left = seconds * (self._total - self._done) / max(self._done - done, 1)
        rate = (self._tokens - tokens) / seconds
        return f"responses: {self._done}/{self._total}, {rate:.0f} tokens/s, {left:.0f} s to go"
