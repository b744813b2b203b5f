"""Which trials go on, and which of the finalists becomes the variant."""

from dataclasses import replace

import pytest

from steadfast.analysis.attack_search.choice import Finalist, chosen_of, finalists_of, why_not
from steadfast.analysis.attack_selection import CandidateOutcome
from steadfast.attacks.search.pareto import first_of_fronts, fronts, spread
from steadfast.attacks.search.sampling import Screened, Trial


def trial(number, refusal_score, divergence, perplexity_ratio=1.0):
    return Trial(number, {}, Screened(refusal_score, divergence, perplexity_ratio))


def finalist(number, refused, divergence, degenerate=0.0, scored=20):
    outcome = CandidateOutcome(refused, scored, 20, degenerate)
    return Finalist(trial(number, 0.0, divergence), divergence, outcome, CandidateOutcome(0, 20, 20, 0.0))


def test_fronts_are_pareto_fronts():
    places = [(0, 3), (1, 1), (3, 0), (2, 2), (1, 1), (3, 3)]
    assert fronts(places) == [0, 0, 0, 1, 0, 2]
    assert fronts([(1, 1, 1), (1, 1, 2), (2, 0, 2)]) == [0, 1, 0]


def test_finalists_are_taken_from_the_front_within_the_bound():
    trials = [trial(0, 0, 0.01), trial(1, -2, 0.05), trial(2, -9, 0.5), trial(3, -1, 0.09), trial(4, -3, 0.08)]
    assert [each.number for each in finalists_of(trials, 3, 0.1, "lowest_refusals_within")] == [4, 1, 0]
    assert [each.number for each in finalists_of(trials, 4, 0.1, "lowest_refusals_within")] == [4, 1, 0, 3]
    assert [each.number for each in finalists_of(trials, 2, 0.1, "knee")] == [2, 4]


def test_fronts_of_finalists_are_of_the_damages_that_count():
    trials = [trial(0, -2, 0.05, 1.1), trial(1, -1, 0.01, 1.2)]
    found = [finalists_of(trials, 1, 0.1, "knee", [measure])[0].number for measure in ("divergence", "perplexity")]
    assert found == [0, 0]
    assert [each.number for each in finalists_of([*trials, trial(2, 0, 0.02)], 2, 0.1, "knee", ["perplexity"])] == [
        0,
        2,
    ]


def test_half_of_the_finalists_are_spread_over_a_long_front():
    trials = [trial(number, -number, 0.001 * number) for number in range(1, 13)]
    assert [each.number for each in finalists_of(trials, 6, 0.1, "lowest_refusals_within")] == [12, 11, 10, 9, 6, 3]
    assert spread(range(10), 1) == [0] and spread(range(3), 5) == [0, 1, 2]


def test_candidates_of_the_first_fronts_come_before_later_ones():
    places = [(0.0, 3.0), (1.0, 1.0), (1.0, 2.0), (2.0, 0.0), (2.0, 5.0)]
    assert first_of_fronts("abcde", places, 3) == ["a", "b", "d"]
    assert first_of_fronts("abcde", places, 4) == ["a", "b", "d", "c"]
    assert first_of_fronts([], [], 4) == []


def test_fewest_refusals_win_then_smallest_degradation():
    assert chosen_of([finalist(1, 5, 0.01), finalist(2, 1, 0.09), finalist(3, 1, 0.04)], "lowest_refusals_within") == (
        finalist(3, 1, 0.04)
    )


def test_knee_rule_chooses_the_point_farthest_below_the_line():
    candidates = [finalist(1, 20, 0.0), finalist(2, 4, 0.1), finalist(3, 2, 0.6), finalist(4, 0, 1.0)]
    assert chosen_of(candidates, "knee").trial.number == 2
    assert chosen_of(candidates[:1], "knee").trial.number == 1


@pytest.mark.parametrize(
    ("candidate", "rule", "reason"),
    [
        (finalist(1, 0, 0.05), "lowest_refusals_within", ""),
        (finalist(1, 0, 0.2), "lowest_refusals_within", "divergence 0.2 is above 0.1"),
        (finalist(1, 0, float("nan")), "lowest_refusals_within", "divergence nan"),
        (finalist(1, 0, 0.2), "knee", ""),
        (finalist(1, 0, 0.05, degenerate=0.5), "knee", "50% of responses are degenerate, 0% before"),
        (finalist(1, 0, 0.05, scored=10), "knee", "too few verdicts: 10 of 20"),
        (Finalist(trial(1, 0, 0), 0.0, CandidateOutcome(9, 10, 10, 0.0)), "knee", "half of the finalists"),
        (replace(finalist(1, 0, 0.05), perplexity_ratio=1.3), "knee", "1.3 times the perplexity, which is above 1.2"),
    ],
)
def test_why_not_explains_unsuitable_finalists(candidate, rule, reason):
    found = why_not(candidate, finalist(-1, 20, 0.0), bound=0.1, perplexity=1.2, degenerate=0.2, rule=rule)
    assert reason in found and bool(found) == bool(reason)
