"""Correlation of stacked counts, the study's measure of the agreement of two judges (its Figure 3).

A judge's numbers of refused and not refused responses of every variant, separately for harmful and harmless prompts,
form one vector: [refused(pair, label), ..., not refused(pair, label), ...]. Two judges are compared by the Pearson
correlation of their vectors. Unscored responses are in neither count.

The measure is included for comparison with the study. It is inflated by design: the two counts of a pair have a fixed
sum, and harmful and harmless prompts differ strongly for any judge, even one that only reads the prompt label.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.correlation import pearson_matrix
from steadfast.analysis.tables.verdict_arrays import NOT_JUDGED, NOT_REFUSED, REFUSED, VerdictGrid

FloatArray = NDArray[np.float64]

CHUNK = 256
"""Number of resamples processed at once, to bound memory."""


def stacked_correlation(grid: VerdictGrid, prompts: NDArray[np.bool_], weights: FloatArray) -> FloatArray:
    """Correlation of the stacked counts of all pairs of judges, for every weighting of the prompts.

    Each pair is compared on the responses that both judges were given.

    Args:
        grid: the verdicts.
        prompts: which prompts to use, shape [prompts].
        weights: weight of each prompt, shape [weightings, prompts].

    Returns:
        Shape [weightings, judges, judges]; NaN where undefined.
    """
    judged = (grid.codes != NOT_JUDGED) & prompts[grid.prompt]
    patterns, pattern = np.unique(judged, axis=0, return_inverse=True)
    correlations = np.full((len(weights), len(grid.judges), len(grid.judges)), np.nan)
    # Judges of the same responses are processed together; most runs have one or two such groups.
    for first in range(len(patterns)):
        for second in range(first, len(patterns)):
            shared = patterns[first] & patterns[second]
            judges = np.flatnonzero((pattern == first) | (pattern == second))
            across = (pattern[judges][:, None] == first) & (pattern[judges][None, :] == second)
            rows, columns = np.nonzero(across | across.T)
            if shared.any() and len(rows):
                found = _correlate(grid, judges, shared, weights)
                correlations[:, judges[rows], judges[columns]] = found[:, rows, columns]
    return correlations


def _correlate(
    grid: VerdictGrid, judges: NDArray[np.int64], responses: NDArray[np.bool_], weights: FloatArray
) -> FloatArray:
    pairs = int(grid.pair.max()) + 1
    prompt, pair = grid.prompt[responses], grid.pair[responses]
    cell = pair * 2 + grid.harmful[prompt]
    occupied = np.unique(cell)
    column = np.searchsorted(occupied, cell)
    if pairs == 0 or not len(occupied):
        return np.full((len(weights), len(judges), len(judges)), np.nan)
    stacked = np.zeros((weights.shape[1], len(judges), 2, len(occupied)))
    for row, judge in enumerate(judges):
        codes = grid.codes[judge, responses]
        for half, code in enumerate((REFUSED, NOT_REFUSED)):
            hits = codes == code
            np.add.at(stacked, (prompt[hits], row, half, column[hits]), 1.0)
    flat = stacked.reshape(len(stacked), -1)
    parts = [
        pearson_matrix((weights[start : start + CHUNK] @ flat).reshape(-1, len(judges), 2 * len(occupied)))
        for start in range(0, len(weights), CHUNK)
    ]
    return np.concatenate(parts)


def counts_correlation(counts: pd.DataFrame, judges: list[str]) -> tuple[FloatArray, FloatArray]:
    """Correlation of the stacked counts of all pairs of judges, from counts only.

    Args:
        counts: a table from ``tables.counts``.
        judges: names, in the order of the result.

    Returns:
        Correlations and numbers of responses, both of shape [judges, judges]. A pair is compared on the variants and
        labels that both judged. If their numbers of responses differ, the shared responses are unknown, and the pair
        gets NaN and 0.
    """
    cells = ["model", "variant", "label"]
    arrays = {
        name: counts.pivot(index=cells, columns="judge", values=name).reindex(columns=judges).to_numpy(float).T
        for name in ("refused", "not_refused", "total")
    }
    values = np.full((len(judges), len(judges)), np.nan)
    responses = np.zeros((len(judges), len(judges)))
    for first in range(len(judges)):
        for second in range(first, len(judges)):
            totals = arrays["total"][[first, second]]
            shared = ~np.isnan(totals).any(axis=0)
            if not shared.any() or (totals[0, shared] != totals[1, shared]).any():
                continue
            pair = np.hstack([arrays[name][[first, second]][:, shared] for name in ("refused", "not_refused")])
            values[first, second] = values[second, first] = pearson_matrix(pair)[0, 1]
            responses[first, second] = responses[second, first] = totals[0, shared].sum()
    return values, responses
