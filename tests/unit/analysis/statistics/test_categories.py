"""Agreement among any number of categories, compared with published examples and with the measures for two."""

import numpy as np
import pytest

from steadfast.analysis.statistics import categories, confusion, reliability

# Fleiss' example as Wikipedia gives it: 14 raters, 10 subjects, 5 categories
FLEISS = [
    *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
    *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
]
# Krippendorff (2011), example C: four observers, twelve units, five categories, some values missing
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
]


def test_fleiss_and_krippendorff_match_published_examples() -> None:
    sums = categories.fleiss_sums(np.array(FLEISS, dtype=float), 14).sum(axis=0)
    assert categories.fleiss_kappa(sums) == pytest.approx(0.2099, abs=1e-4)
    votes = categories.votes_of(np.array(OBSERVERS, dtype=np.int8) - 1, 5)
    alpha = categories.krippendorff_alpha(categories.coincidence_matrices(votes).sum(axis=0))
    assert alpha == pytest.approx(0.743, abs=5e-4)


def test_cohen_kappa_of_three_categories_matches_hand_computation() -> None:
    """Observed 14/20; expected (10 × 8 + 6 × 7 + 4 × 5) / 400 = 0.355."""
    first = np.array([0] * 10 + [1] * 6 + [2] * 4 + [-1], dtype=np.int8)
    second = np.array([0] * 7 + [1] * 2 + [2] + [1] * 4 + [0] + [2] + [2] * 2 + [1] * 1 + [2] + [0], dtype=np.int8)
    table = categories.confusion_matrices(first, second, 3).sum(axis=0)
    assert table.tolist() == [[7, 2, 1], [1, 4, 1], [0, 1, 3]]
    assert categories.cohen_kappa(table) == pytest.approx((14 / 20 - 0.355) / (1 - 0.355))


def test_two_categories_agree_with_the_binary_measures() -> None:
    codes = np.random.default_rng(1).integers(-1, 2, (3, 200)).astype(np.int8)
    table = categories.confusion_matrices(codes[0], codes[1], 2).sum(axis=0)
    binary = np.array([table[1, 1], table[1, 0], table[0, 1], table[0, 0]])
    assert categories.cohen_kappa(table) == pytest.approx(confusion.cohen_kappa(binary))
    votes = categories.votes_of(codes, 2)
    alpha = categories.krippendorff_alpha(categories.coincidence_matrices(votes).sum(axis=0))
    same = reliability.krippendorff_alpha(reliability.coincidences(votes[:, 1], votes[:, 0]).sum(axis=0))
    assert alpha == pytest.approx(same)


def test_undefined_agreement_is_nan() -> None:
    one = np.zeros((2, 3), dtype=np.int8)
    votes = categories.votes_of(one, 3)
    assert np.isnan(categories.cohen_kappa(categories.confusion_matrices(*one, 3).sum(axis=0)))
    assert np.isnan(categories.fleiss_kappa(categories.fleiss_sums(votes, 2).sum(axis=0)))
    assert np.isnan(categories.krippendorff_alpha(categories.coincidence_matrices(votes).sum(axis=0)))
