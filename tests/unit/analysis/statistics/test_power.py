import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from steadfast.analysis.statistics.power import pairs_needed
from steadfast.analysis.statistics.significance import mcnemar_exact


def mcnemar_power(gained, lost, pairs, confidence=0.95):
    """Power of the exact McNemar test with a given number of pairs, summed over all outcomes."""
    discordant = gained + lost
    total = 0.0
    for changed in range(1, pairs + 1):
        outcomes = np.arange(changed + 1)
        found = mcnemar_exact(outcomes, changed - outcomes) <= 1.0 - confidence
        chance = binom.pmf(outcomes, changed, gained / discordant)[found].sum()
        total += float(binom.pmf(changed, pairs, discordant) * chance)
    return total


@pytest.mark.parametrize(("gained", "lost"), [(0.02, 0.2), (0.0, 0.15), (0.05, 0.35), (0.3, 0.1)])
def test_pairs_needed_reach_the_requested_power(gained, lost):
    pairs = int(pairs_needed(gained, lost, power=0.8))
    assert mcnemar_power(gained, lost, pairs) == pytest.approx(0.8, abs=0.09)
    assert mcnemar_power(gained, lost, 2 * pairs) > 0.93


def test_pairs_needed_match_a_published_example():
    # Connor 1987, as tabulated by Machin et al.: 20% against 5% discordant pairs, 5% two-sided, 80% power.
    assert pairs_needed(0.05, 0.2) == pytest.approx(86, abs=2)


def test_mcnemar_power_matches_simulation():
    rng = np.random.default_rng(0)
    draws = rng.multinomial(60, [0.05, 0.25, 0.7], size=20000)
    simulated = (mcnemar_exact(draws[:, 0], draws[:, 1]) <= 0.05).mean()
    assert mcnemar_power(0.05, 0.25, 60) == pytest.approx(simulated, abs=0.01)


def test_pairs_needed_without_effect_are_infinite():
    assert pairs_needed(0.1, 0.1) == float("inf")


@given(st.floats(0.01, 0.4), st.floats(0.45, 0.6))
def test_higher_power_needs_more_pairs_in_either_order(first, second):
    assert pairs_needed(first, second) == pairs_needed(second, first)
    assert pairs_needed(first, second, power=0.9) >= pairs_needed(first, second, power=0.8) >= 1


@pytest.mark.parametrize("power", [0.0, 1.0, 80])
def test_power_must_be_a_probability(power):
    with pytest.raises(ValueError, match="power"):
        pairs_needed(0.1, 0.2, power=power)
