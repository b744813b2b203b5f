"""When a run will be over."""

import pytest

from steadfast.runs.estimates.forecast import Forecast, PlannedStep, recorded_seconds
from steadfast.runs.estimates.schedule import seconds_until_done


def task(cost, rule="work", **settings):
    return PlannedStep(rule, lambda: cost, **settings)


def test_simulation_schedules_steps_on_shared_cores():
    waiting, threads = dict.fromkeys(range(4), 10.0), dict.fromkeys(range(4), 1)
    needs = {step: [] for step in range(4)}
    assert seconds_until_done(waiting, {}, needs, threads, 1) == 40
    assert seconds_until_done(waiting, {}, needs, threads, 2) == 20
    assert seconds_until_done(waiting, {}, needs, threads, None) == 10
    assert seconds_until_done(waiting, {}, needs, {**threads, 0: 2}, 2) == 30
    assert seconds_until_done({}, {}, {}, {}, 2) == 0


def test_dependent_steps_wait_in_the_simulation():
    waiting, threads = {1: 5.0, 2: 7.0}, {0: 1, 1: 1, 2: 1}
    # 0 runs, 1 needs it, 2 needs what is over already
    assert seconds_until_done(waiting, {0: 4.0}, {1: [0], 2: [9]}, threads, 2) == 9
    assert seconds_until_done(waiting, {0: 4.0}, {1: [0], 2: [1]}, threads, 2) == 16


def test_simulation_starts_the_longest_step_first():
    waiting = {0: 2.0, 1: 2.0, 2: 4.0}
    assert seconds_until_done(waiting, {}, {0: [], 1: [], 2: []}, dict.fromkeys(waiting, 1), 2) == 4


def test_progress_weights_steps_by_expected_duration():
    forecast = Forecast({1: task(90.0), 2: task(10.0, "other")}, cores=1)
    assert (forecast.share(0), forecast.left(0)) == (0, 100)
    forecast.start(1, 0)
    assert forecast.share(45) == pytest.approx(0.45) and forecast.left(45) == 55
    forecast.end(1, 90)
    assert forecast.share(90) == pytest.approx(0.9) and forecast.left(90) == pytest.approx(10)


def test_progress_weights_steps_by_threads():
    forecast = Forecast({1: task(10.0, threads=3), 2: task(10.0, "other")}, cores=4)
    forecast.start(1, 0)
    forecast.end(1, 10)
    assert forecast.share(10) == pytest.approx(0.75)


def test_finished_steps_correct_later_estimates():
    forecast = Forecast({n: task(10.0) for n in range(5)} | {9: task(10.0, "other")}, cores=1)
    for step in range(3):
        forecast.start(step, 30.0 * step)
        forecast.end(step, 30.0 * (step + 1))
    # three times as long as expected; of another rule that is believed as well
    assert 25 < forecast.expected(4) <= 30 and 25 < forecast.expected(9) <= 30
    assert forecast.left(90) == pytest.approx(2 * forecast.expected(4) + forecast.expected(9))


def test_short_first_step_barely_changes_the_forecast():
    forecast = Forecast({1: task(2.0, "prompts")} | {n: task(30.0) for n in range(2, 102)}, cores=1)
    forecast.start(1, 0)
    forecast.end(1, 30)  # the files of a new environment are read from the disk
    assert 3000 < forecast.left(30) < 3600


def test_recorded_durations_take_precedence_over_the_cost_model():
    forecast = Forecast({1: task(10.0, recorded=42.0), 2: task(10.0), 3: task(10.0, "other")}, cores=1)
    assert forecast.expected(1) == 42
    # steps without a record of their own go by those of their rule, and of others by all
    assert 10 < forecast.expected(3) <= forecast.expected(2) < 42


def test_durations_of_skipped_steps_correct_the_cost_model():
    forecast = Forecast(
        {1: task(10.0)}, cores=1, history=[("work", 10.0, 20.0), ("work", 5.0, 10.0), ("other", 1.0, 1.0)]
    )
    assert 17 < forecast.expected(1) < 20


def test_step_over_its_estimate_is_not_finished():
    forecast = Forecast({1: task(10.0)}, cores=1)
    forecast.start(1, 0)
    assert forecast.left(100) == pytest.approx(15)
    assert 0 < forecast.share(100) < 1


def test_reported_end_of_a_step_updates_the_forecast():
    forecast = Forecast({1: task(10.0), 2: task(5.0, needs=[1])}, cores=2)
    forecast.start(1, 0)
    forecast.set_end(1, 60)
    assert forecast.left(20) == 45 and forecast.share(20) == pytest.approx(10 * (20 / 60) / 15)


def test_unexpected_step_is_ignored():
    forecast = Forecast({1: task(10.0)}, cores=1)
    forecast.start(7, 0)
    forecast.end(7, 1)
    forecast.end(8, 1)
    assert forecast.left(1) == 10 and Forecast({}, cores=1).share(0) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("s\th:m:s\tmax_rss\n2.5\t0:00:02\t100\n", 2.5),
        ("s\th:m:s\n1.0\t0\n3.0\t0\n", 3.0),
        ("", None),
        ("h:m:s\n0:00:02\n", None),
        ("s\th:m:s\nNA\t-\n", None),
    ],
)
def test_recorded_seconds_are_read_from_benchmark_files(tmp_path, text, seconds):
    (tmp_path / "job.tsv").write_text(text)
    assert recorded_seconds(tmp_path / "job.tsv") == seconds
    assert recorded_seconds(tmp_path / "none.tsv") is None
