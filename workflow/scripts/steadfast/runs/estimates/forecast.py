"""Estimated end of a run, from simulating the expected durations of its steps on the shared cores.

The expected duration of a step is that of an earlier run, or else the cost model's, corrected by recorded steps of the
same rule. Every finished step corrects the estimates of its rule and, less strongly, of all steps; a running step may
report its remaining time.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from steadfast.runs.estimates.schedule import seconds_until_done

# a step that exceeds its expected duration is expected to take this share of its elapsed time in addition
OVERTIME = 0.15
# shrinkage toward 1: weight of this number of steps with exactly the expected duration
PRIOR_STEPS = 0.5
# and the correction of all steps by a few as if so much of the run had been: a run begins with short steps, whose time
# is that of starting a process, and one that was recorded may have waited for a machine that was busy
PRIOR_SHARE = 0.1


@dataclass(frozen=True)
class PlannedStep:
    """A planned step of a run.

    Attributes:
        rule: name of its rule; one name for each judge and each group of measured model–variant pairs.
        cost: seconds that the cost model expects.
        threads: number of cores that it uses.
        needs: steps of this run that it depends on.
        recorded: seconds that it took in an earlier run, if known.
    """

    rule: str
    cost: Callable[[], float]
    threads: int = 1
    needs: Collection[int] = ()
    recorded: float | None = None


@dataclass
class Forecast:
    """The steps of a run, with current estimates.

    Attributes:
        tasks: by number.
        cores: number of shared cores; None if only dependencies limit the steps.
        history: steps of earlier runs only: rule, seconds of the cost model, recorded seconds.
    """

    tasks: Mapping[int, PlannedStep]
    cores: int | None
    history: Sequence[tuple[str, float, float]] = ()
    _began: dict[int, float] = field(default_factory=dict)
    _ended: dict[int, float] = field(default_factory=dict)
    _reported_ends: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = [
            *self.history,
            *((task.rule, task.cost(), task.recorded) for task in self.tasks.values() if task.recorded),
        ]
        self._past = _Corrections(
            [(rule, cost, seconds) for rule, cost, seconds in known if seconds is not None],
            sum(task.cost() for task in self.tasks.values()),
        )

    def start(self, task: int, now: float) -> None:
        """A step begins."""
        self._began[task] = now

    def end(self, task: int, now: float) -> None:
        """A step is over, with any outcome."""
        if task in self._began:
            self._ended[task] = now - self._began.pop(task)
        self._reported_ends.pop(task, None)

    def set_end(self, task: int, ends: float) -> None:
        """Record a running step's own estimate of its end."""
        self._reported_ends[task] = ends

    def share(self, now: float) -> float:
        """Completed share of the run in core-seconds, from 0 to 1."""
        expected = self._expected()
        weights = {number: self.tasks[number].threads * seconds for number, seconds in expected.items()}
        done = sum(weights[number] for number in self._ended if number in weights)
        for number in self._began:
            if number in weights and expected[number]:
                rest = self._rest(number, expected[number], now)
                done += weights[number] * (1 - rest / max(expected[number], now - self._began[number] + rest))
        total = sum(weights.values())
        return min(done / total, 1.0) if total else 1.0

    def left(self, now: float) -> float:
        """Seconds until the run is over."""
        expected = self._expected()
        running = {number: self._rest(number, expected[number], now) for number in self._began if number in expected}
        waiting = {
            number: seconds
            for number, seconds in expected.items()
            if number not in self._ended and number not in running
        }
        needs = {number: self.tasks[number].needs for number in waiting}
        threads = {number: self._threads(number) for number in expected}
        return seconds_until_done(waiting, running, needs, threads, self.cores)

    def expected(self, task: int) -> float:
        """Expected or actual seconds of a step."""
        return self._expected()[task]

    def _expected(self) -> dict[int, float]:
        before = {number: self._before(task) for number, task in self.tasks.items()}
        found = [
            (self.tasks[number].rule, before[number], self._ended[number]) for number in self._ended if number in before
        ]
        now = _Corrections(found, sum(before.values()))
        return {
            number: self._ended.get(number, before[number] * now.of(task.rule)) for number, task in self.tasks.items()
        }

    def _before(self, task: PlannedStep) -> float:
        """Expected seconds of a step before any step of this run had finished."""
        return task.recorded if task.recorded is not None else task.cost() * self._past.of(task.rule)

    def _rest(self, number: int, expected: float, now: float) -> float:
        gone = now - self._began[number]
        if number in self._reported_ends:
            return max(self._reported_ends[number] - now, 0.0)
        return max(expected - gone, OVERTIME * gone)

    def _threads(self, number: int) -> int:
        threads = self.tasks[number].threads
        return threads if self.cores is None else min(threads, self.cores)


class _Corrections:
    """Correction factors of the cost model, by rule and overall.

    Args:
        found: rule, expected seconds and actual seconds of finished steps.
        total: expected seconds of the whole run.
    """

    def __init__(self, found: Iterable[tuple[str, float, float]], total: float) -> None:
        self._total = total
        sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        for rule, expected, took in found:
            for key in (rule, ""):
                sums[key][0] += expected
                sums[key][1] += took
                sums[key][2] += 1
        self._sums = dict(sums)
        self._factors: dict[str, float] = {}

    def of(self, rule: str) -> float:
        """The factor for a rule."""
        if rule not in self._factors:
            overall = self._factor("", 1.0, PRIOR_SHARE * self._total)
            self._factors[rule] = self._factor(rule, overall)
        return self._factors[rule]

    def _factor(self, key: str, prior: float, least: float = 0.0) -> float:
        expected, took, count = self._sums.get(key, (0.0, 0.0, 0.0))
        if not expected:
            return prior
        weight = max(PRIOR_STEPS * expected / count, least)
        return (took + weight * prior) / (expected + weight)


def recorded_seconds(benchmark: str | Path) -> float | None:
    """Seconds in a benchmark file of Snakemake; None if there is no readable file."""
    try:
        lines = Path(benchmark).read_text(encoding="utf-8").splitlines()
        row = dict(zip(lines[0].split("\t"), lines[-1].split("\t"), strict=True))
        return float(row["s"])
    except (OSError, ValueError, KeyError, IndexError):
        return None
