"""How well a score discriminates two classes."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def auroc(scores: FloatArray, positive: NDArray[np.bool_], weights: FloatArray) -> FloatArray:
    """Area under the ROC curve: probability that a positive item scores above a negative one; ties count half.

    This is the Mann-Whitney statistic over the number of pairs (Hanley & McNeil 1982, Radiology 143:29), for many
    weightings of the items at once.

    Args:
        scores: shape [items], finite.
        positive: which items are positive, shape [items].
        weights: how often each item counts, shape [weightings, items].

    Returns:
        Shape [weightings], within [0, 1]; NaN where either class has no weight.
    """
    undefined = np.full(len(weights), np.nan)
    if not positive.any() or positive.all():
        return undefined
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    drawn = weights[:, order]
    hits, misses = (np.add.reduceat(drawn * chosen, starts, axis=1) for chosen in (positive[order], ~positive[order]))
    below = np.cumsum(misses, axis=1) - misses / 2.0
    pairs = hits.sum(axis=1) * misses.sum(axis=1)
    area: FloatArray = np.divide((hits * below).sum(axis=1), pairs, out=undefined, where=pairs > 0)
    return area
