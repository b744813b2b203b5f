"""How far a run is: the time gone, the share of its work that is done, and the time that is left."""

import time
from collections.abc import Callable

from steadfast.core.progress import duration
from steadfast.runs.estimates.forecast import Forecast
from steadfast.runs.terminal.words import clock

# seconds for which an estimate stays as it is, unless a step begins or ends: a thousand steps take hundredths of one
KEPT = 2.0
LEFT_WIDTH = 15


class Pace:
    """Counts steps; by what they are expected to take once there is a forecast, by their number before."""

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
        """A step is over, whatever came of it."""
        if self.forecast:
            self.forecast.end(job, self._now())
            self._estimate = None

    def tell(self, job: int, ends: float) -> None:
        """A running step has said itself when it ends."""
        if self.forecast:
            self.forecast.tell(job, ends)

    def words(self) -> str:
        """Time gone, share done and time left, in columns."""
        now = self._now()
        gone = f"{clock(now - self._began):>9}"
        if self.forecast is None:
            return f"{gone} {f'{100 * self.done // self.total}%' if self.total else '':>5}"
        if self._estimate is None or now - self._estimate[0] >= KEPT:
            self._estimate = now, self.forecast.share(now), self.forecast.left(now)
        _, share, left = self._estimate
        # Snakemake counts the target as a step
        rest = "" if self.done >= self.total - 1 else f"{duration(left)} left"
        return f"{gone} {f'{int(100 * share)}%':>5} {rest:>{LEFT_WIDTH}}"
