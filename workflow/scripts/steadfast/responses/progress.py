"""Progress of a long generation, as lines in the job's log."""

import time
from collections.abc import Callable


class Progress:
    """Prints how many responses are done, tokens per second and the time that is left.

    Args:
        total: responses that are wanted.
        resumed: responses that an earlier run had finished.
        interval: seconds between two lines; the last response always gets one.
        clock: monotonic seconds.
    """

    def __init__(
        self, total: int, *, resumed: int = 0, interval: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total, self._resumed, self._interval, self._clock = total, resumed, interval, clock
        self._done, self._tokens = resumed, 0
        self._start = self._printed = clock()
        if resumed:
            print(f"responses: {resumed}/{total} were finished by an earlier run", flush=True)

    def advance(self, tokens: int) -> None:
        """Count one more response of so many tokens."""
        self._done += 1
        self._tokens += tokens
        now = self._clock()
        if now - self._printed >= self._interval or self._done == self._total:
            self._printed = now
            print(self._line(max(now - self._start, 1e-9)), flush=True)

    def _line(self, seconds: float) -> str:
        left = seconds * (self._total - self._done) / (self._done - self._resumed)
        rate = self._tokens / seconds
        return f"responses: {self._done}/{self._total}, {rate:.0f} tokens/s, {left:.0f} s to go"
