import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadfast.analysis.statistics.correction import (
    Validation,
    prediction_powered_mean,
    rogan_gladen,
    student_interval,
    tuning_weight,
)

PROPORTION = st.floats(0, 1)
# 30 labeled items and 200 with predictions alone; the expected figures were computed with ppi-python 0.2.3.
TRUTHS = np.array([0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1], float)
LABELED = np.array([0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1], float)
PREDICTIONS = np.array([1.0] * 111 + [0.0] * 89)


@pytest.mark.parametrize(("weight", "value", "error"), [(1.0, 0.588333, 0.067314), (0.5, 0.5775, 0.063051)])
def test_prediction_powered_mean_matches_the_reference_package(weight, value, error):
    found = prediction_powered_mean(PREDICTIONS, TRUTHS, LABELED, weight=weight)
    assert found[0] == pytest.approx(value, abs=1e-6)
    # The package divides by n, this one by n - 1.
    assert error < found[1] < error * 1.02
    assert found[2] == 29


def test_tuning_weight_matches_the_reference_package():
    everything = np.concatenate([LABELED, PREDICTIONS])
    weight = tuning_weight(TRUTHS, LABELED, everything, share=30 / 200)
    value, error, _ = prediction_powered_mean(PREDICTIONS, TRUTHS, LABELED, weight=weight)
    assert value == pytest.approx(0.58167, abs=1e-3)
    assert error == pytest.approx(0.060209, rel=0.02)


def test_perfect_rater_gets_full_weight_with_few_equal_labels():
    """One refusal among ten labels, where half of all items are refusals: the slope among the labels is 1."""
    labels = np.array([1.0] + [0.0] * 9)
    assert tuning_weight(labels, labels, share=0.1) == pytest.approx(1 / 1.1)
    assert tuning_weight(labels, labels, PREDICTIONS, share=0.1) < 0.4
    weights = np.linspace(1, 3, 10)
    assert tuning_weight(labels, labels, share=0.1, sampling_weights=weights) == pytest.approx(1 / 1.1)


def test_uninformative_predictions_get_zero_weight():
    assert tuning_weight(TRUTHS, np.ones(30), np.ones(200), share=0.1) == 0.0
    assert tuning_weight(TRUTHS, np.ones(30), share=0.1) == 0.0
    assert tuning_weight(TRUTHS, 1 - TRUTHS, 1 - PREDICTIONS, share=0.1) == 0.0
    value, _, _ = prediction_powered_mean(np.ones(200), TRUTHS, np.ones(30), weight=0.0)
    assert value == TRUTHS.mean()


def test_equal_sampling_weights_change_nothing():
    plain = prediction_powered_mean(PREDICTIONS, TRUTHS, LABELED)
    weighted = prediction_powered_mean(PREDICTIONS, TRUTHS, LABELED, sampling_weights=np.full(30, 4.0))
    assert weighted == pytest.approx(plain)


def test_sampling_weights_correct_an_unequal_draw():
    """Disputed items are drawn ten times as often; the weights bring the mean back."""
    rng = np.random.default_rng(0)
    values = []
    for _ in range(300):
        truth = rng.random(400) < 0.5
        wrong = rng.random(400) < 0.2
        predicted = truth ^ wrong
        odds = np.where(wrong, 0.5, 0.05)
        drawn = rng.random(400) < odds
        found = prediction_powered_mean(
            predicted.astype(float),
            truth[drawn].astype(float),
            predicted[drawn].astype(float),
            sampling_weights=1 / odds[drawn],
        )
        values.append(found[0] - truth.mean())
    assert abs(np.mean(values)) < 0.01


@pytest.mark.parametrize(("labels", "accuracy"), [(5, 1.0), (5, 0.9), (20, 0.8), (60, 0.95)])
def test_prediction_powered_interval_covers_the_truth(labels, accuracy):
    rng = np.random.default_rng(labels)
    hits = 0
    for _ in range(400):
        truth = (rng.random(100) < 0.7).astype(float)
        predicted = np.where(rng.random(100) < accuracy, truth, 1 - truth)
        found = prediction_powered_mean(predicted, truth[:labels], predicted[:labels], pseudo_errors=2.0)
        estimate = student_interval(*found, 0.95, (0.0, 1.0))
        hits += estimate.low <= 0.7 <= estimate.high
    assert hits >= 0.93 * 400


def test_five_agreeing_labels_keep_a_wide_interval():
    labels = np.ones(5)
    found = prediction_powered_mean(np.ones(50), labels, labels, pseudo_errors=2.0)
    estimate = student_interval(*found, 0.95, (0.0, 1.0))
    assert estimate.value == 1.0 and estimate.low < 0.5
    assert prediction_powered_mean(np.ones(50), labels, labels)[1] == 0.0


def test_single_label_without_pseudo_errors_has_no_interval():
    found = prediction_powered_mean(PREDICTIONS, np.ones(1), np.ones(1))
    assert np.isnan(student_interval(*found, 0.95, (0.0, 1.0)).low)


@given(PROPORTION, st.floats(0.55, 1), st.floats(0.55, 1))
def test_rogan_gladen_inverts_the_errors_of_the_rater(rate, sensitivity, specificity):
    apparent = rate * sensitivity + (1 - rate) * (1 - specificity)
    found = rogan_gladen(apparent, 100, Validation(sensitivity, 50), Validation(specificity, 50))
    assert found.value == pytest.approx(rate, abs=1e-9)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@given(PROPORTION, PROPORTION, PROPORTION)
def test_rogan_gladen_is_undefined_for_rater_no_better_than_chance(rate, sensitivity, specificity):
    found = rogan_gladen(rate, 100, Validation(sensitivity, 50), Validation(specificity, 50))
    assert np.isnan(found.value) == (not sensitivity + specificity > 1)


def test_rogan_gladen_without_validation_is_undefined():
    assert np.isnan(rogan_gladen(0.5, 50, Validation(float("nan"), 0), Validation(0.9, 10)).value)
    assert np.isnan(rogan_gladen(0.5, 0, Validation(0.9, 10), Validation(0.9, 10)).value)


def test_lang_reiczigel_interval_covers_the_truth():
    rng = np.random.default_rng(0)
    truth, sensitivity, specificity, hits = 0.3, 0.9, 0.85, 0
    for _ in range(1000):
        apparent = rng.binomial(100, truth * sensitivity + (1 - truth) * (1 - specificity)) / 100
        found = rogan_gladen(
            apparent,
            100,
            Validation(rng.binomial(40, sensitivity) / 40, 40),
            Validation(rng.binomial(40, specificity) / 40, 40),
        )
        hits += found.low <= truth <= found.high
    assert 0.93 < hits / 1000 < 0.99


def test_larger_validation_set_narrows_the_interval():
    widths = [
        found.high - found.low
        for found in (rogan_gladen(0.8, 100, Validation(0.9, size), Validation(0.9, size)) for size in (5, 50, 5000))
    ]
    assert widths[0] > widths[1] > widths[2]
