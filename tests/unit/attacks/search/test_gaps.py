"""Trials that fill a gap of the Pareto front with a weaker version of an edit on it."""

import math

import pytest

from steadfast.attacks.search.gaps import EVERY, MIDDLE, SOURCES, Place, fills_gap, weaker_version
from steadfast.attacks.search.settings import SearchSettings
from steadfast.attacks.search.space import Space

SPACE = Space(SearchSettings.read({"edits": ["orthogonalize", "rank_one"]}), 5)
STRONG = {**SPACE.first, "attention_output_scale": 1.2, "mlp_output_scale": 0.8, "rank_one_scale": 0.4}
BOUND = 0.1


def weaker(*places, number=0):
    return weaker_version(SPACE, places, number, BOUND)


def factor(point, strong=STRONG):
    return point["mlp_output_scale"] / strong["mlp_output_scale"]


def test_weaker_version_has_all_scales_reduced_alike():
    unedited, strong = Place(3.0, 0.0, SPACE.first), Place(-4.0, 0.064, STRONG)
    point = weaker(unedited, strong)
    # in the middle between no edit and this one
    expected = {name: value * 0.5 for name, value in STRONG.items() if name.endswith("_scale")}
    assert {name: point[name] for name in expected} == pytest.approx(expected)
    assert {name: point[name] for name in set(STRONG) - set(expected)} == {
        name: STRONG[name] for name in set(STRONG) - set(expected)
    }


@pytest.mark.parametrize("number", range(0, 30, EVERY))
def test_trials_aim_at_different_parts_of_a_gap(number):
    cheap, expensive = Place(2.0, 0.004, SPACE.first), Place(-3.0, 0.09, STRONG)
    point = weaker(cheap, expensive, number=number)
    # the divergence grows with the square of the scale
    part = (factor(point) * 0.3 - math.sqrt(0.004)) / (0.3 - math.sqrt(0.004))
    assert MIDDLE[0] < part < MIDDLE[1]
    assert point != weaker(cheap, expensive, number=number + EVERY)


def test_largest_gap_of_the_front_is_filled():
    other = {**STRONG, "mlp_output_peak": 0.1}
    places = [Place(2.0, 0.002, SPACE.first), Place(1.8, 0.02, other), Place(-3.0, 0.08, STRONG)]
    assert weaker(*places)["mlp_output_peak"] == STRONG["mlp_output_peak"]
    places[1] = Place(-2.9, 0.02, other)
    assert weaker(*places)["mlp_output_peak"] == 0.1
    # dominated trials do not bound a gap
    assert weaker(*places, Place(-2.8, 0.03, {**STRONG, "mlp_output_peak": 0.5}))["mlp_output_peak"] == 0.1


def test_log_odds_of_certain_refusals_make_no_gap():
    places = [Place(9.0, 0.0, SPACE.first), Place(5.0, 0.01, SPACE.first), Place(-1.0, 0.03, STRONG)]
    assert factor(weaker(*places)) ** 2 * 0.03 > 0.01


def test_nearest_edits_on_the_expensive_side_take_turns():
    edits = [{**STRONG, "mlp_output_peak": peak} for peak in (0.1, 0.2, 0.3, 0.4)]
    places = [Place(-2.0 - number, 0.05 + 0.01 * number, edit) for number, edit in enumerate(edits)]
    places.append(Place(3.0, 0.0, SPACE.first))
    points = [weaker(*places, number=EVERY * turn) for turn in range(SOURCES + 1)]
    assert [point["mlp_output_peak"] for point in points] == [0.1, 0.2, 0.3, 0.1]
    # each is expected within the gap
    assert all(factor(point) ** 2 * places[turn % SOURCES].divergence < 0.05 for turn, point in enumerate(points))


def test_edit_beyond_the_bound_is_weakened_to_within_it():
    point = weaker(Place(1.0, 0.05, SPACE.first), Place(-4.0, 0.5, STRONG))
    assert factor(point) ** 2 * 0.5 < BOUND


def test_scales_stay_within_their_range():
    space = Space(SearchSettings.read({"scale": [0.5, 1.5]}), 5)
    assert space.scaled(STRONG, 0.1)["mlp_output_scale"] == 0.5
    assert space.scaled(STRONG, 10)["mlp_output_scale"] == 1.5


@pytest.mark.parametrize("places", [[], [Place(0.0, 0.0, STRONG)], [Place(0.0, 0.05, STRONG)]])
def test_front_without_a_gap_gives_no_point(places):
    assert weaker(*places) is None


def test_every_third_trial_fills_a_gap():
    assert [number for number in range(15, 25) if fills_gap(number)] == [15, 18, 21, 24]
