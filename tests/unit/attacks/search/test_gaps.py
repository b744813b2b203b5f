"""Trials that fill a gap of the Pareto front with a weaker version of an edit on it."""

import math

import pytest

from steadfast.attacks.search.gaps import MIDDLE, Place, fills_gap, weaker_version
from steadfast.attacks.search.settings import SearchSettings
from steadfast.attacks.search.space import Space

SPACE = Space(SearchSettings.read({"edits": ["orthogonalize", "rank_one"]}), 5)
STRONG = {**SPACE.first, "attention_output_scale": 1.2, "mlp_output_scale": 0.8, "rank_one_scale": 0.4}
LOWEST, BOUND = 0.001, 0.1


def weaker(*places, number=0):
    return weaker_version(SPACE, places, number, LOWEST, BOUND)


def test_weaker_version_has_all_scales_reduced_alike():
    point = weaker(Place(1.0, LOWEST / 2, SPACE.first), Place(-4.0, 0.064, STRONG))
    # halfway between the lowest divergence and that of the edit, which grows with the square of the scale
    factor = math.sqrt(math.sqrt(LOWEST * 0.064) / 0.064)
    scaled = {name for name in STRONG if name.endswith("_scale")}
    assert {name: point[name] for name in scaled} == pytest.approx({name: STRONG[name] * factor for name in scaled})
    assert {name: point[name] for name in set(STRONG) - scaled} == {name: STRONG[name] for name in set(STRONG) - scaled}


@pytest.mark.parametrize("number", range(0, 30, 3))
def test_trials_aim_at_different_parts_of_a_gap(number):
    cheap, expensive = Place(1.0, 0.004, SPACE.first), Place(-3.0, 0.09, STRONG)
    point = weaker(cheap, expensive, number=number)
    aim = (point["mlp_output_scale"] / STRONG["mlp_output_scale"]) ** 2 * expensive.divergence
    part = math.log(aim / cheap.divergence) / math.log(expensive.divergence / cheap.divergence)
    assert MIDDLE[0] < part < MIDDLE[1]
    assert point != weaker(cheap, expensive, number=number + 3)


def test_largest_gap_of_the_front_is_filled():
    other = {**STRONG, "mlp_output_peak": 0.1}
    places = [Place(1.0, 0.002, SPACE.first), Place(0.8, 0.02, other), Place(-3.0, 0.08, STRONG)]
    assert weaker(*places)["mlp_output_peak"] == STRONG["mlp_output_peak"]
    places[1] = Place(-2.9, 0.02, other)
    assert weaker(*places)["mlp_output_peak"] == 0.1
    # dominated trials do not bound a gap
    assert weaker(*places, Place(-2.8, 0.03, {**STRONG, "mlp_output_peak": 0.5}))["mlp_output_peak"] == 0.1


def test_edit_beyond_the_bound_is_weakened_to_within_it():
    point = weaker(Place(1.0, 0.05, SPACE.first), Place(-4.0, 0.5, STRONG))
    assert (point["mlp_output_scale"] / STRONG["mlp_output_scale"]) ** 2 * 0.5 < BOUND


def test_scales_stay_within_their_range():
    space = Space(SearchSettings.read({"scale": [0.5, 1.5]}), 5)
    assert space.scaled(STRONG, 0.1)["mlp_output_scale"] == 0.5
    assert space.scaled(STRONG, 10)["mlp_output_scale"] == 1.5


@pytest.mark.parametrize("places", [[], [Place(0.0, LOWEST / 2, STRONG)], [Place(0.0, 0.05, STRONG)]])
def test_front_without_a_gap_gives_no_point(places):
    assert weaker(*places) is None


def test_every_third_trial_fills_a_gap():
    assert [number for number in range(15, 25) if fills_gap(number)] == [15, 18, 21, 24]
