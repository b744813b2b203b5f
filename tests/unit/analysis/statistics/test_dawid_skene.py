"""Dawid and Skene's model, compared with a step computed by hand and with judges whose errors are known."""

import numpy as np
import pytest

from steadfast.analysis.statistics.dawid_skene import fit_dawid_skene

# two judges always agree, and a third contradicts them on the second and the fourth item
VOTES = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0], [0, 0, 1]], dtype=np.int8)


def test_one_step_matches_hand_computation() -> None:
    """The shares of votes are 1, 2/3, 0 and 1/3, so that the judges' sensitivities are 5/6, 5/6 and 4/6."""
    fitted = fit_dawid_skene(VOTES, smoothing=0, maximum=1)
    assert fitted.prevalence == pytest.approx([1 / 2, 1 / 2])
    assert fitted.confusion[:, 1, 1] == pytest.approx([5 / 6, 5 / 6, 2 / 3])
    assert fitted.confusion[:, 0, 0] == pytest.approx([5 / 6, 5 / 6, 2 / 3])
    assert fitted.posterior(VOTES)[:, 1] == pytest.approx([50 / 51, 25 / 27, 1 / 51, 2 / 27])
    assert (fitted.iterations, fitted.converged) == (1, False)


def test_fit_trusts_the_agreeing_judges() -> None:
    fitted = fit_dawid_skene(VOTES, smoothing=0)
    assert fitted.converged
    assert fitted.confusion[:, 1, 1] == pytest.approx([1, 1, 1 / 2])
    assert fitted.posterior(VOTES)[:, 1] == pytest.approx([1, 1, 0, 0])


def test_smoothing_is_added_to_every_confusion_cell() -> None:
    fitted = fit_dawid_skene(VOTES, smoothing=1, maximum=1)
    assert fitted.confusion[0, 1] == pytest.approx([(1 / 3 + 1) / 4, (5 / 3 + 1) / 4])


def test_fit_recovers_known_error_rates_and_prevalence() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(6000) < 0.3
    right = np.array([[0.95, 0.9], [0.7, 0.98], [0.85, 0.6]])
    correct = rng.random((6000, 3)) < right[:, truth.astype(int)].T
    votes = np.where(correct, truth[:, None], ~truth[:, None]).astype(np.int8)
    votes[rng.random(votes.shape) < 0.2] = -1
    fitted = fit_dawid_skene(votes)
    assert fitted.prevalence[1] == pytest.approx(0.3, abs=0.03)
    assert fitted.confusion[:, [0, 1], [0, 1]] == pytest.approx(right, abs=0.05)


def test_item_without_votes_has_undefined_posterior() -> None:
    fitted = fit_dawid_skene(np.array([[1, 1, -1], [-1, -1, -2], [0, 0, 0]], dtype=np.int8))
    assert np.isnan(fitted.posterior(np.array([[-1, -1, -2]], dtype=np.int8))).all()
    nobody = fit_dawid_skene(np.full((2, 3), -1, dtype=np.int8))
    assert nobody.prevalence.tolist() == [0.5, 0.5] and np.isnan(nobody.posterior(np.full((1, 3), -1, np.int8))).all()


def test_fit_handles_more_than_two_labels() -> None:
    votes = np.array([[0, 0, 0], [1, 1, 1], [2, 2, 0], [2, 2, 2], [1, 1, 2]] * 3, dtype=np.int8)
    assert fit_dawid_skene(votes, 3).posterior(votes[:5]).argmax(axis=1).tolist() == [0, 1, 2, 2, 1]
