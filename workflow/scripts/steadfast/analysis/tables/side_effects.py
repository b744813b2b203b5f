"""``side_effects.csv``: changes by every variant other than refusals, with intervals and paired changes."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.bootstrap import cluster_weights, percentile_interval
from steadfast.analysis.statistics.proportions import tango_interval, wilson_interval
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.ordering import sort_by_appearance
from steadfast.core.names import ORIGINAL

FloatArray = NDArray[np.float64]

KEYS = ["model", "variant", "measure", "scope"]
NUMBERS = ["value", "low", "high", "original", "change", "change_low", "change_high"]
COLUMNS = [*KEYS, "title", "unit", "worse", *NUMBERS, "items", "reason"]
EXPONENTIAL = "exponential_of_mean"
DECIMALS = 6
ROUNDING = 1e-9


def side_effects_table(
    scores: Iterable[tuple[str, str, pd.DataFrame]], inference: Inference | None = None
) -> pd.DataFrame:
    """Aggregate the scores of every model–variant pair.

    Args:
        scores: model, variant and scores (a table from ``effects._scores.score_table``) of every variant.
        inference: confidence and resampling. Items are resampled within their strata, with the same resamples for the
            variant and its original.

    Returns:
        Columns ``COLUMNS``, one row per variant, measure and scope. ``original`` and ``change`` are empty for the
        original itself. ``items`` is the number of items with a finite value in both; ``reason`` says whether there are
        others.
    """
    inference = inference or Inference()
    draws = Draws(inference)
    rows = [
        {"model": model, "variant": variant, **dict(zip(KEYS[2:], group, strict=True)), **_row(part, variant, draws)}
        for model, variant, table in scores
        for group, part in table.groupby(KEYS[2:], sort=False)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({**dict.fromkeys(NUMBERS, "float64"), "items": "int64"})
    return sort_by_appearance(table.round(dict.fromkeys(NUMBERS, DECIMALS)), KEYS[:2])


class Draws:
    """Resampling weights, cached by strata, so that equal strata get the same resamples."""

    def __init__(self, inference: Inference) -> None:
        """Keep the settings."""
        self.inference = inference
        self._known: dict[bytes, FloatArray] = {}

    def weights(self, strata: NDArray[np.int64]) -> FloatArray:
        """Weights [1 + resamples, items]; see ``statistics.bootstrap.cluster_weights``."""
        key = strata.tobytes()
        if key not in self._known:
            self._known[key] = cluster_weights(strata, self.inference.resamples, self.inference.rng())
        return self._known[key]


def _row(part: pd.DataFrame, variant: str, draws: Draws) -> dict[str, object]:
    about: Mapping[str, object] = {name: part[name].iloc[0] for name in ("title", "unit", "worse")}
    values = part[["value", "original"]].to_numpy(float)
    finite = np.isfinite(values).all(axis=1)
    missing = int((~finite).sum())
    reason = f"{missing} of {len(part)} items have no finite value" if missing else ""
    row: dict[str, object] = {**about, "items": int(finite.sum()), "reason": reason}
    if not finite.any():
        return row
    used, values = part[finite], values[finite]
    weights = draws.weights(np.unique(used["stratum"].to_numpy(str), return_inverse=True)[1].astype(np.int64))
    weighted = weights * used["weight"].to_numpy(float)
    means = (weighted @ values) / weighted.sum(axis=1, keepdims=True)
    if used["summary"].iloc[0] == EXPONENTIAL:
        means = np.exp(means)
    confidence = draws.inference.confidence
    low, high = (float(bound) for bound in percentile_interval(means[1:, 0], confidence))
    proportion = bool(used["proportion"].iloc[0])
    if proportion and not low < high:
        # resampling equal items gives no width; the score interval does
        low, high = (float(bound) for bound in wilson_interval(values[:, 0].sum(), len(values), confidence))
    elif _alike(low, high):
        low, high = np.nan, np.nan
    row |= {"value": means[0, 0], "low": low, "high": high}
    if variant == ORIGINAL:
        return row
    change = means[:, 0] - means[:, 1]
    change_low, change_high = (float(bound) for bound in percentile_interval(change[1:], confidence))
    if proportion and not change_low < change_high:
        gained, lost = (int((side * (values[:, 0] - values[:, 1]) > 0).sum()) for side in (1, -1))
        change_low, change_high = tango_interval(gained, lost, len(values), confidence)
    elif _alike(change_low, change_high):
        change_low, change_high = np.nan, np.nan
    return {**row, "original": means[0, 1], "change": change[0], "change_low": change_low, "change_high": change_high}


def _alike(low: float, high: float) -> bool:
    """Whether all resamples are one and the same value: that of items that are all alike, not a certain one."""
    return bool(np.isclose(low, high, rtol=ROUNDING, atol=ROUNDING))
