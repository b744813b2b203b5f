"""Agreement of raters who choose among any number of categories: Cohen's and Fleiss' κ, Krippendorff's α.

Every measure is a function of sums over items, so that a resample of items or of their prompts is a weighted sum of the
same counts.
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Codes = NDArray[np.int8]


def confusion_matrices(first: Codes, second: Codes, categories: int) -> FloatArray:
    """The cell of each item in the table of two raters.

    Args:
        first: category indices, shape [items]; negative where the rater gave none.
        second: category indices of the other rater.
        categories: number of categories.

    Returns:
        Shape [items, categories, categories], one-hot where both raters chose, with the first rater's category first.
    """
    chosen = np.arange(categories)
    cells: FloatArray = ((first[:, None, None] == chosen[:, None]) & (second[:, None, None] == chosen)).astype(float)
    return cells


def cohen_kappa(confusion: FloatArray) -> FloatArray:
    """Cohen's κ (Cohen 1960) of two raters.

    Args:
        confusion: counts, shape [..., categories, categories].

    Returns:
        Shape [...]; NaN where both raters always choose the same single category, or no item was rated by both.
    """
    total = confusion.sum(axis=(-2, -1))
    observed = _ratio(np.trace(confusion, axis1=-2, axis2=-1), total)
    expected = _ratio((confusion.sum(axis=-1) * confusion.sum(axis=-2)).sum(axis=-1), total**2)
    return _ratio(observed - expected, 1.0 - expected)


def votes_of(codes: Codes, categories: int) -> FloatArray:
    """How many raters chose each category.

    Args:
        codes: category indices, shape [raters, items]; negative where a rater gave none.
        categories: number of categories.

    Returns:
        Shape [items, categories].
    """
    counts: FloatArray = (codes[:, :, None] == np.arange(categories)).sum(axis=0).astype(float)
    return counts


def fleiss_sums(votes: FloatArray, raters: int) -> FloatArray:
    """Terms of each item, whose sums are the input of ``fleiss_kappa``.

    Args:
        votes: shape [items, categories]. Items that not all raters rated are ignored.
        raters: number of raters, at least two.

    Returns:
        Shape [items, 2 + categories]: whether the item is used, the share of agreeing pairs of raters, and the votes.
    """
    complete = votes.sum(axis=1) == raters
    agreeing = (votes * (votes - 1.0)).sum(axis=1) / (raters * (raters - 1.0))
    found: FloatArray = np.column_stack([complete, agreeing, votes]) * complete[:, None]
    return found


def fleiss_kappa(sums: FloatArray) -> FloatArray:
    """Fleiss' κ (Fleiss 1971) of any number of raters.

    Args:
        sums: sums of ``fleiss_sums``, shape [..., 2 + categories].

    Returns:
        Shape [...]; NaN where all votes are for one category, or no item is used.
    """
    observed = _ratio(sums[..., 1], sums[..., 0])
    votes = sums[..., 2:]
    shares = _ratio(votes, votes.sum(axis=-1, keepdims=True))
    expected = (shares**2).sum(axis=-1)
    return _ratio(observed - expected, 1.0 - expected)


def coincidence_matrices(votes: FloatArray) -> FloatArray:
    """Coincidences of each item (Krippendorff 2011); items with fewer than two votes are ignored.

    Args:
        votes: shape [items, categories].

    Returns:
        Shape [items, categories, categories].
    """
    given = votes.sum(axis=1)
    pairs = votes[:, :, None] * votes[:, None, :] - np.eye(votes.shape[1]) * votes[:, None, :]
    scale = np.divide(1.0, given - 1.0, out=np.zeros_like(given), where=given > 1)
    found: FloatArray = pairs * scale[:, None, None]
    return found


def krippendorff_alpha(coincidences: FloatArray) -> FloatArray:
    """Krippendorff's α for nominal data.

    Args:
        coincidences: sums of ``coincidence_matrices``, shape [..., categories, categories].

    Returns:
        Shape [...]; NaN where all votes are the same, or no item has two votes.
    """
    values = coincidences.sum(axis=-1)
    total = values.sum(axis=-1)
    observed = total - np.trace(coincidences, axis1=-2, axis2=-1)
    expected = total**2 - (values**2).sum(axis=-1)
    return 1.0 - _ratio((total - 1.0) * observed, expected)


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    shape = np.broadcast_shapes(np.shape(numerator), np.shape(denominator))
    undefined = np.full(shape, np.nan)
    ratio: FloatArray = np.divide(numerator, denominator, out=undefined, where=np.asarray(denominator) > 0)
    return ratio
