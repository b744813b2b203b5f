"""Finders: functions from the states of two groups of prompts to directions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class States:
    """States of one group of prompts at one location.

    Attributes:
        values: float64 [prompts, hidden].
        categories: one per prompt.
    """

    values: NDArray[np.float64]
    categories: tuple[str, ...]

    def rows(self, chosen: NDArray[np.intp]) -> "States":
        """The states of some prompts, in the given order; a prompt may be chosen several times."""
        return States(self.values[chosen], tuple(self.categories[row] for row in chosen))

    def mean(self) -> NDArray[np.float64]:
        """Mean state [hidden]."""
        mean: NDArray[np.float64] = self.values.mean(axis=0)
        return mean


@dataclass(frozen=True)
class Found:
    """Result of a finder.

    Attributes:
        rows: float64 [k, hidden], orthonormal.
        threshold: projection on the first row above which a state counts as harmful, or None for the midpoint between
            the groups' means.
        details: further metadata; JSON values.
        tuned: hyperparameters that the finder tuned; JSON values, also columns of the selection grid.
    """

    rows: NDArray[np.float64]
    threshold: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    tuned: Mapping[str, Any] = field(default_factory=dict)


class Finder(Protocol):
    """Finds directions from the states of harmful and harmless prompts at one location."""

    def find(self, harmful: States, harmless: States) -> Found:
        """Find the directions."""
        ...

    def settled(self, found: Found) -> "Finder":
        """The finder with its tuned hyperparameters fixed as in ``found``, for resamples of the same prompts."""
        ...


def sign_by_means(
    rows: NDArray[np.float64], harmful: NDArray[np.float64], harmless: NDArray[np.float64]
) -> NDArray[np.float64]:
    """``rows`` [k, hidden] with their signs chosen so that the harmful mean projects higher; ties keep theirs."""
    gaps = rows @ (harmful - harmless)
    return rows * np.where(gaps < 0, -1.0, 1.0)[:, None]


def leading_axes(matrix: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """First right singular vectors [at most count, hidden] of a matrix with far fewer rows than columns.

    Computed from the eigenvectors of the small Gram matrix, then orthonormalized again. Directions with less than a
    millionth of the largest singular value are dropped as rounding errors.
    """
    values, vectors = np.linalg.eigh(matrix @ matrix.T)
    order = np.argsort(values)[::-1][:count]
    kept = order[values[order] > 1e-12 * max(values[-1], 0)]
    if len(kept) == 0:
        return np.zeros((0, matrix.shape[1]))
    axes = vectors[:, kept].T @ matrix / np.sqrt(values[kept])[:, None]
    orthonormal, triangle = np.linalg.qr(axes.T)
    result: NDArray[np.float64] = (orthonormal * np.sign(np.diag(triangle))).T
    return result


def canonical_cosine(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Cosine of two directions, or of the largest principal angle between two subspaces of equal dimension."""
    if len(first) == len(second) == 1:
        return float(first[0] @ second[0])
    return float(np.linalg.svd(first @ second.T, compute_uv=False).min())
