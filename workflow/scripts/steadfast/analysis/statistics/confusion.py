"""Agreement measures of two binary raters, from their 2×2 table.

A table is an array whose last axis holds four counts, in this order:

0. both say yes,
1. only the first says yes,
2. only the second says yes,
3. neither says yes.

Every function works on tables of any leading shape and returns NaN where the measure is undefined. If one rater is the
reference, it is the second.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def accuracy(tables: FloatArray) -> FloatArray:
    """Share of items on which both raters agree."""
    return _ratio(tables[..., 0] + tables[..., 3], tables.sum(axis=-1))


def cohen_kappa(tables: FloatArray) -> FloatArray:
    """Cohen's κ (Cohen 1960); undefined if both raters always give the same single answer."""
    both, first, second, neither = np.moveaxis(tables, -1, 0)
    margins = (both + first) * (first + neither) + (both + second) * (second + neither)
    return _ratio(2.0 * (both * neither - first * second), margins)


def mcc(tables: FloatArray) -> FloatArray:
    """Matthews correlation coefficient, the φ of the table; undefined if either rater is constant."""
    both, first, second, neither = np.moveaxis(tables, -1, 0)
    spread = (both + first) * (both + second) * (neither + first) * (neither + second)
    return _ratio(both * neither - first * second, np.sqrt(spread))


def f1(tables: FloatArray) -> FloatArray:
    """F1 of *yes*; undefined if neither rater ever says yes."""
    both, first, second, _ = np.moveaxis(tables, -1, 0)
    return _ratio(2.0 * both, 2.0 * both + first + second)


def sensitivity(tables: FloatArray) -> FloatArray:
    """Share of the second rater's *yes* that the first rater finds."""
    return _ratio(tables[..., 0], tables[..., 0] + tables[..., 2])


def specificity(tables: FloatArray) -> FloatArray:
    """Share of the second rater's *no* that the first rater confirms."""
    return _ratio(tables[..., 3], tables[..., 3] + tables[..., 1])


def coverage(tables: FloatArray, given: FloatArray) -> FloatArray:
    """Share of the items given to both raters that both answered.

    Args:
        tables: shape [..., 4].
        given: number of items given to both, shape [...].
    """
    return _ratio(tables.sum(axis=-1), given)


def support(metric: str, tables: FloatArray) -> FloatArray:
    """Effective number of items of a measure: items with the rarer answer, if the measure requires both answers.

    A κ of 1 over a hundred items with one common *yes* is based on one item. An item supports each answer that at least
    one rater gave.
    """
    both, first, second, neither = np.moveaxis(tables, -1, 0)
    yes, no = both + first + second, first + second + neither
    rest: dict[str, FloatArray] = {
        "cohen_kappa": np.minimum(yes, no),
        "mcc": np.minimum(yes, no),
        "f1": yes,
        "accuracy": yes + neither,
        "sensitivity": both + second,
        "specificity": first + neither,
    }
    return rest[metric]


METRICS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "cohen_kappa": cohen_kappa,
    "mcc": mcc,
    "f1": f1,
    "accuracy": accuracy,
    "sensitivity": sensitivity,
    "specificity": specificity,
}
DENOMINATORS: dict[str, list[int]] = {
    "accuracy": [0, 1, 2, 3],
    "sensitivity": [0, 2],
    "specificity": [1, 3],
    "coverage": [0, 1, 2, 3],
}
"""Measures that are proportions, with the cells of the table in their denominator."""


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    undefined = np.full(np.shape(denominator), np.nan)
    ratio: FloatArray = np.divide(numerator, denominator, out=undefined, where=np.asarray(denominator) > 0)
    return ratio
