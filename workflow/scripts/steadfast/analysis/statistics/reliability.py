"""Krippendorff's α for two categories and any number of raters, some of whom may have skipped items."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def coincidences(yes: FloatArray, no: FloatArray) -> FloatArray:
    """Coincidence counts of each item (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability").

    Args:
        yes: number of raters who said yes, shape [items].
        no: number of raters who said no, shape [items].

    Returns:
        Shape [items, 3]: coincidences of yes with yes, yes with no (each order), and no with no. Items with fewer than
        two ratings are ignored. The sum over items is the input of ``krippendorff_alpha``.
    """
    raters = yes + no
    scale = np.divide(1.0, raters - 1.0, out=np.zeros_like(raters), where=raters > 1)
    return np.stack([yes * (yes - 1.0) * scale, yes * no * scale, no * (no - 1.0) * scale], axis=-1)


def alpha_support(yes: FloatArray, no: FloatArray) -> int:
    """Effective number of items of α: items with the rarer answer, among items with two or more ratings.

    An item supports each answer that at least one of its raters gave, as in ``confusion.support``.

    Args:
        yes: see ``coincidences``.
        no: see ``coincidences``.
    """
    rated = yes + no > 1
    return min(int((rated & (yes > 0)).sum()), int((rated & (no > 0)).sum()))


def krippendorff_alpha(counts: FloatArray) -> FloatArray:
    """Krippendorff's α for nominal data with two categories.

    Args:
        counts: sums of ``coincidences``, shape [..., 3].

    Returns:
        Shape [...]; NaN where no item has two ratings or all ratings are the same.
    """
    same_yes, mixed, same_no = np.moveaxis(counts, -1, 0)
    yes, no = same_yes + mixed, same_no + mixed
    expected = yes * no
    undefined = np.full(np.shape(expected), np.nan)
    disagreement: FloatArray = np.divide((yes + no - 1.0) * mixed, expected, out=undefined, where=expected > 0)
    return 1.0 - disagreement
