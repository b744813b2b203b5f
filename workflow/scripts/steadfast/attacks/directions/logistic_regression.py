"""Logistic regression with few prompts and many features: fits in the span of the prompts, and held-out accuracy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

USUAL_INVERSE_STRENGTH = 10.0
"""C if it is not tuned; close to the value that tuning selects on states of tiny models."""


def standard(states: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Mean [hidden] of states [prompts, hidden], and their root mean square deviation as a single number."""
    center: NDArray[np.float64] = states.mean(axis=0)
    return center, max(float(np.sqrt(((states - center) ** 2).sum(axis=1).mean())), np.finfo(np.float64).tiny)


def reduce(states: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates [prompts, rank] in an orthonormal basis [rank, hidden] of the states' span.

    The minimizer lies in the span, so fitting needs one weight per prompt instead of one per hidden feature.
    """
    left, sizes, axes = np.linalg.svd(states, full_matrices=False)
    rank = max(1, int((sizes > 1e-10 * sizes[0]).sum()))
    return left[:, :rank] * sizes[:rank], axes[:rank]


def fit_logistic(
    states: NDArray[np.float64],
    signs: NDArray[np.float64],
    inverse_strength: float,
    start: tuple[NDArray[np.float64], float] | None = None,
) -> tuple[NDArray[np.float64], float]:
    """Weights [features] and intercept of an L2-regularized logistic regression; the intercept is free.

    Args:
        states: float64 [prompts, features].
        signs: 1 or -1 per prompt.
        inverse_strength: C.
        start: weights and intercept to start from.
    """
    # a slow import, and only some directions are fitted
    from scipy.optimize import minimize
    from scipy.special import expit

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, intercept = parameters[:-1], parameters[-1]
        margins = signs * (states @ weights + intercept)
        pull = -signs * expit(-margins)
        value = 0.5 * weights @ weights + inverse_strength * np.logaddexp(0, -margins).sum()
        gradient = np.append(weights + inverse_strength * (states.T @ pull), inverse_strength * pull.sum())
        return float(value), gradient

    first: NDArray[np.float64] = np.zeros(states.shape[1] + 1)
    if start is not None:
        first[:-1], first[-1] = start
    tolerance = 1e-8 * max(1.0, inverse_strength)
    found: Any = minimize(
        loss, first, jac=True, method="L-BFGS-B", options={"maxiter": 2000, "ftol": 1e-13, "gtol": tolerance}
    )
    return found.x[:-1], float(found.x[-1])


def probe_accuracy(
    fit: tuple[NDArray[np.float64], NDArray[np.float64]], rest: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> float:
    """Balanced accuracy on held-out states of a probe with the default C; both pairs have harmful first."""
    states = np.concatenate(fit)
    center, scale = standard(states)
    reduced, axes = reduce((states - center) / scale)
    weights, intercept = fit_logistic(reduced, np.repeat([1.0, -1.0], list(map(len, fit))), USUAL_INVERSE_STRENGTH)
    harmful, harmless = ((states - center) / scale @ (axes.T @ weights) + intercept for states in rest)
    return float(((harmful > 0).mean() + (harmless <= 0).mean()) / 2)
