"""Progress lines: what they count, how fast, and the time that is left."""

import os
import time

import pytest

from steadfast.core import progress as module
from steadfast.core.progress import MIB, Durations, Progress, current, duration, quiet_libraries, watched


class Clock:
    """Seconds that pass on request."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lines(capsys):
    return lambda: capsys.readouterr().out.splitlines()


def answer(clock, seconds, total, **settings):
    progress = Progress("responses", total, unit="tokens", clock=clock, **settings)
    for clock.now in seconds:
        progress.advance(1, 100)


def test_progress_prints_at_intervals_and_at_the_end(clock, lines):
    answer(clock, [4, 12, 13], 4, resumed=1)
    assert lines() == [
        "responses: 1/4 were finished by an earlier run",
        "responses: 3/4, 17 tokens/s, 6 s left",
        "responses: 4/4, 23 tokens/s, in 13 s",
    ]


def test_rate_excludes_the_time_before_the_first_count(clock, lines):
    # a hundred seconds of loading, then one response every five seconds
    answer(clock, [100, 105, 110, 115, 120], 5)
    assert lines() == [
        "responses: 1/5, 1 tokens/s, 7 min left",
        "responses: 3/5, 20 tokens/s, 10 s left",
        "responses: 5/5, 20 tokens/s, in 2 min",
    ]


def test_time_left_uses_the_known_amount_of_work(clock, lines):
    progress = Progress("prompts", 3, unit="tokens", work=1000, clock=clock)
    clock.now = 20
    progress.advance(2, 200)
    assert lines() == ["prompts: 2/3, 10 tokens/s, 80 s left"]


def test_progress_within_the_first_batch_is_reported(clock, lines):
    with Progress("responses", 64, unit="tokens", clock=clock) as outer:
        with Progress("tokens each", 128, unit="tokens", covers=32, clock=clock) as batch:
            for clock.now in range(1, 33):
                batch.advance(1, 32)
        assert lines() == [
            "responses: 0/64; tokens each: 10/128, 32 tokens/s, 4 min left",
            "responses: 0/64; tokens each: 20/128, 32 tokens/s, 4 min left",
            "responses: 0/64; tokens each: 30/128, 32 tokens/s, 4 min left",
        ]
        clock.now = 40
        outer.advance(32, 1024)
    assert lines() == ["responses: 32/64, 25 tokens/s, 39 s left"]


def test_rate_without_unit_is_per_second_or_minute(clock, lines):
    for seconds, rate in ((1, "10.0/s"), (60, "10.0 a minute")):
        progress = Progress("candidates", 20, clock=clock, interval=0)
        clock.now += seconds
        progress.advance(10)
        assert f"candidates: 10/20, {rate}" in lines()[0]


def test_progress_in_bytes_is_printed_in_mebibytes(clock, lines):
    progress = Progress("weights", 2, unit="B", work=4096 * MIB, clock=clock)
    clock.now = 32
    progress.advance(1, 1024 * MIB)
    assert lines() == ["weights: 1,024/4,096 MiB, 32.0 MiB/s, 2 min left"]


def test_time_left_uses_earlier_durations_of_each_kind(clock, lines):
    kinds = ["quick", "slow"] * 3
    with Progress("side effects", 6, kinds=kinds, clock=clock) as outer:
        for seconds, kind in zip((1, 99, 1), kinds, strict=False):
            with outer.part(f"m, {kind}", kind):
                clock.now += seconds
        # a slow, a quick and a slow one are to come
        assert outer.left() == 99 + 1 + 99
        with outer.part("m, slow", "slow"), Progress("prompts", 10, clock=clock) as inner:
            clock.now += 20
            inner.advance()
            assert outer.left() == 79 + 1 + 99
    told = lines()
    assert told[-1] == "side effects: 3/6 (m, slow); prompts: 1/10, 3.0 a minute, 3 min left"


def test_time_left_of_first_part_uses_its_inner_loop(clock):
    with Progress("side effects", 4, kinds=["a", "b", "a", "b"], clock=clock) as outer, outer.part("m, a", "a"):
        assert outer.left() is None
        with Progress("prompts", 10, clock=clock) as inner:
            clock.now = 5
            inner.advance()
            assert outer.left() == pytest.approx(50 * 4 - 5)


def test_inner_loop_prints_nothing_by_itself(clock, lines):
    with Progress("parts", 2, clock=clock) as outer:
        with Progress("prompts", 1, clock=clock) as inner:
            assert current() is inner
            inner.advance()
        assert current() is outer
        assert lines() == []
        outer.advance()
        outer.advance()
    assert current() is None and lines() == ["parts: 2/2, in 0 s"]


def test_exception_closes_the_progress_loop(clock):
    with pytest.raises(ValueError), Progress("parts", 2, clock=clock) as outer, outer.part("one"):
        raise ValueError
    assert current() is None and outer.done == 0


def test_watched_progress_polls_a_silent_operation(lines):
    with Progress("weights", 1, unit="B", work=100 * MIB, interval=0.0) as progress:
        with watched(progress, lambda: 50 * MIB, seconds=0.01):
            time.sleep(0.2)
        progress.advance(1, 100 * MIB)
    told = lines()
    assert told[0].startswith("weights: 50/100 MiB") and told[-1].startswith("weights: 100/100 MiB")


def test_expected_duration_of_unknown_kind_is_the_overall_mean():
    durations = Durations()
    assert durations.expected("a") == 0 and not durations
    durations.add("a", 1)
    durations.add("a", 3)
    durations.add("b", 8)
    assert (durations.expected("a"), durations.expected("c")) == (2, 4)


def test_library_progress_bars_are_disabled(monkeypatch):
    environment = {"HOME": "/root"}
    quiet_libraries(environment)
    assert environment == {"HOME": "/root", **module.QUIET}
    assert os.environ.get("TQDM_DISABLE") != "0"


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, "0 s"), (89, "89 s"), (91, "2 min"), (3600, "60 min"), (5460, "1 h 31 min")]
)
def test_duration_is_rounded_to_a_sensible_unit(seconds, told):
    assert duration(seconds) == told
