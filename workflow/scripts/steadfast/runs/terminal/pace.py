"""Progress of a run: elapsed time, completed share of the work, and remaining time."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from steadfast.core.progress import duration
from steadfast.runs.estimates.forecast import Forecast
from steadfast.runs.terminal.words import clock

# seconds between updates of the estimate, unless a step begins or ends (simulating a thousand steps takes time)
KEPT = 2.0
LEFT_WIDTH = 15


@dataclass(frozen=True)
class Position:
    """Progress of a run.

    Attributes:
        done: number of finished steps.
        total: number of all steps.
        share: completed share of the expected cost, or without a forecast of the number of steps, from 0 to 1.
        gone: elapsed seconds.
        left: remaining seconds; None without a forecast.
    """

    done: int
    total: int
    share: float
    gone: float
    left: float | None


class Pace:
    """Counts steps, weighted by expected duration if there is a forecast."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.done = self.total = 0
        self.forecast: Forecast | None = None
        self._now = now
        self._began = now()
        self._estimate: tuple[float, float, float] | None = None

    def start(self, job: int) -> None:
        """A step begins."""
        if self.forecast:
            self.forecast.start(job, self._now())
            self._estimate = None

    def end(self, job: int) -> None:
        """A step is over, with any outcome."""
        if self.forecast:
            self.forecast.end(job, self._now())
            self._estimate = None

    def set_end(self, job: int, ends: float) -> None:
        """Record a running step's own estimate of its end."""
        if self.forecast:
            self.forecast.set_end(job, ends)

    def position(self) -> Position:
        """The current progress."""
        now = self._now()
        gone = now - self._began
        if self.total and self.done >= self.total:
            return Position(self.done, self.total, 1.0, gone, 0.0)
        if self.forecast is None:
            return Position(self.done, self.total, self.done / self.total if self.total else 0.0, gone, None)
        if self._estimate is None or now - self._estimate[0] >= KEPT:
            self._estimate = now, self.forecast.share(now), self.forecast.left(now)
        _, share, left = self._estimate
        return Position(self.done, self.total, share, gone, left)

    def words(self) -> str:
        """Elapsed time, completed share and remaining time, in columns."""
        at = self.position()
        share = f"{int(100 * at.share)}%" if at.total else ""
        if self.forecast is None:
            return f"{clock(at.gone):>9} {share:>5}"
        left = f"{duration(at.left)} left" if at.left and at.done < at.total else ""
        return f"{clock(at.gone):>9} {share:>5} {left:>{LEFT_WIDTH}}"
