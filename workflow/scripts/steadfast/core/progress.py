"""Progress of a step: lines in its log with a rate and the remaining time, which the terminal shows as well.

Nested loops share one line, which the outermost loop writes, with the remaining time of the whole:

    side effects: 7/40 (abliterated, perplexity); prompts: 12/50, 512 tokens/s, 3 min left
"""

import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Self

INTERVAL = 10.0
POLL_SECONDS = 2.0
IN_BYTES = "B"
LEFT = re.compile(r"(?:(\d+) h )?(\d+) (s|min) left$")
MIB = 2**20
# switches of the libraries' progress bars, which would fill a log with text
QUIET = {"TQDM_DISABLE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

_open: "list[Progress]" = []


class Progress:
    """Progress of a loop. Use it as a context manager, so that nested loops are detected.

    ``note`` is additional text of the line, next to the count.

    The pace is measured from the first count once an interval has passed, so that preceding work, such as loading a
    model, is not included. If the parts of a loop differ, ``kinds`` gives the kind of each part, and the remaining time
    is estimated from the durations of parts of the same kind.

    Args:
        what: what is counted, as a plural: ``prompts``.
        total: total count.
        unit: unit of the work, for the rate: ``tokens``, or ``B`` for bytes.
        work: total work; None if unknown.
        covers: share of the surrounding loop that this one represents, in its counts.
        resumed: count finished by an earlier run.
        brief: whether the end gets a line only if there was one before, for short loops.
        kinds: the kind of each part; see ``part``.
        interval: seconds between two lines; the end of the outermost loop also gets one.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        what: str,
        total: int,
        *,
        unit: str = "",
        work: float | None = None,
        covers: float = 1.0,
        resumed: int = 0,
        brief: bool = False,
        kinds: Sequence[str] = (),
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.what, self.total, self.unit, self.work, self.covers = what, total, unit, work, covers
        self.done, self.worked = resumed, 0.0
        self._partial = 0.0, 0.0
        self.note = ""
        self._brief = brief
        self._durations = Durations()
        self._kinds = kinds
        self._interval, self._clock = interval, clock
        self._began = self._printed = self._part_began = clock()
        self._since = self._began, float(resumed), 0.0
        self._first: tuple[float, float, float] | None = None
        if resumed:
            print(f"{what}: {resumed:,}/{total:,} were finished by an earlier run", flush=True)

    def __enter__(self) -> Self:
        _open.append(self)
        return self

    def __exit__(self, *_error: object) -> None:
        _open.remove(self)

    def advance(self, count: int = 1, work: float = 0.0) -> None:
        """Add to the count and the work."""
        self.done += count
        self.worked += work
        self._partial = 0.0, 0.0
        self._report()

    def partly(self, count: float, work: float = 0.0) -> None:
        """Report the progress of unfinished items, as a count and as work."""
        self._partial = count, work
        self._report()

    @contextmanager
    def part(self, label: str, kind: str = "") -> Iterator[None]:
        """Context of one part, which is counted on exit.

        Args:
            label: description in the line.
            kind: parts of one kind take about the same time.
        """
        self.note, self._part_began = label, self._clock()
        yield
        self._durations.add(kind, self._clock() - self._part_began)
        self.note, self._part_began = "", self._clock()
        self.advance()

    @property
    def share(self) -> float:
        """Completed share of the loop, from 0 to 1."""
        _, done, work = self._position()
        if self.work:
            return min(work / self.work, 1.0)
        return min(done / self.total, 1.0) if self.total else 1.0

    def left(self) -> float | None:
        """Estimated remaining seconds of the loop; None if unknown."""
        now, done, work = self._position()
        if self._kinds:
            return self._left_by_kind(now)
        start, done_before, work_before = self._since
        gone, rest = (work - work_before, self.work - work) if self.work else (done - done_before, self.total - done)
        return max(rest, 0.0) * (now - start) / gone if gone > 0 else None

    def _left_by_kind(self, now: float) -> float | None:
        coming = self._kinds[self.done :]
        gone = now - self._part_began
        if not coming:
            return 0.0
        if not self._durations:
            # only the share of the first part, reported by its own loop
            return gone * (len(coming) / self._partial[0] - 1) if self._partial[0] > 0 else None
        expected = [self._durations.expected(kind) for kind in coming]
        return sum(expected) - min(gone, expected[0])

    def _position(self) -> tuple[float, float, float]:
        return self._clock(), self.done + self._partial[0], self.worked + self._partial[1]

    def _report(self) -> None:
        now, done, work = self._position()
        self._first = self._first or (now, done, work)
        if now - self._first[0] >= max(self._interval, 1e-9):
            self._since = self._first
        around = _open[: _open.index(self)] if self in _open else []
        if around:
            around[-1].partly(self.covers * self.share, work if around[-1].unit == self.unit else 0.0)
            return
        finished = self.done >= self.total
        due = now - self._printed >= self._interval
        if due or (finished and not self._brief):
            self._printed, self._brief = now, False
            print(self._end(now) if finished else self._line(), flush=True)

    def _line(self) -> str:
        inner = _open[_open.index(self) :] if self in _open else [self]
        rate, left = inner[-1]._rate(), self.left()
        details = [rate, "" if left is None else f"{duration(left)} left"]
        return ", ".join(["; ".join(each._count() for each in inner), *filter(None, details)])

    def _end(self, now: float) -> str:
        return ", ".join([self._count(), *filter(None, [self._rate()]), f"in {duration(now - self._began)}"])

    def _count(self) -> str:
        label = f" ({self.note})" if self.note else ""
        if self.unit == IN_BYTES and self.work:
            return f"{self.what}: {(self.worked + self._partial[1]) / MIB:,.0f}/{self.work / MIB:,.0f} MiB{label}"
        return f"{self.what}: {self.done:,}/{self.total:,}{label}"

    def _rate(self) -> str:
        now, done, work = self._position()
        start, done_before, work_before = self._since
        seconds = now - start
        if seconds <= 0:
            return ""
        if self.unit == IN_BYTES:
            return f"{(work - work_before) / MIB / seconds:,.1f} MiB/s"
        if self.unit:
            return f"{(work - work_before) / seconds:,.0f} {self.unit}/s"
        pace = (done - done_before) / seconds
        return "" if self._kinds or not pace else f"{pace:.1f}/s" if pace >= 1 else f"{pace * 60:.1f} a minute"


class Durations:
    """Durations by kind, to estimate future ones."""

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = defaultdict(list)

    def __bool__(self) -> bool:
        return bool(self._seconds)

    def add(self, kind: str, seconds: float) -> None:
        """Record a duration."""
        self._seconds[kind].append(seconds)

    def expected(self, kind: str) -> float:
        """Mean of the kind, or of all kinds if it is new; 0 without any durations."""
        known = self._seconds.get(kind) or [second for seconds in self._seconds.values() for second in seconds]
        return sum(known) / len(known) if known else 0.0


def current() -> Progress | None:
    """The innermost current loop."""
    return _open[-1] if _open else None


def quiet_libraries(environment: MutableMapping[str, str] = os.environ) -> None:
    """Disable the progress bars of libraries, in processes started from here."""
    environment.update(QUIET)


@contextmanager
def watched(progress: Progress, measure: Callable[[], float], seconds: float = POLL_SECONDS) -> Iterator[None]:
    """Poll the progress of work that cannot report it itself.

    Args:
        progress: a loop with a single part, whose work is known.
        measure: returns the completed work.
        seconds: polling interval.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(seconds):
            progress.partly(0.0, measure())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def seconds_left(line: str) -> float | None:
    """The remaining seconds in a line of progress; None if it has none."""
    found = LEFT.search(line)
    if not found:
        return None
    hours, number, unit = found.groups()
    return 3600.0 * int(hours or 0) + int(number) * (60.0 if unit == "min" else 1.0)


def duration(seconds: float) -> str:
    """A time span, to the precision that matters: ``12 s``, ``3 min``, ``1 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
