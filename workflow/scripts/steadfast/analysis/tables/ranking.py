"""``ranking.csv``: whether judges rank the models in the same order."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.bootstrap import cluster_weights, percentile_interval
from steadfast.analysis.statistics.ranking import kendall_matrix
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.robustness import prompt_rates
from steadfast.core.names import ORIGINAL

FloatArray = NDArray[np.float64]

COLUMNS = ["judge_a", "judge_b", "quantity", "variant", "tau", "low", "high", "models", "reason"]
DECIMALS = 6
LEAST_MODELS = 5
"""With fewer models, chance agreement is likely: four models have the same order with a probability of 1 in 24."""
FEW_MODELS = f"fewer than {LEAST_MODELS} models that both judges scored"
TIED = "one of the judges ranks all models alike"
COUNTS_ONLY = "no interval: counts do not identify the prompts"
UNSTABLE = "no interval: undefined in too many resamples"
CONSTANT = "no interval: the same in every resample"


def ranking_table(
    verdicts: pd.DataFrame,
    *,
    baseline: str = ORIGINAL,
    controls: Collection[str] = (),
    inference: Inference | None = None,
) -> pd.DataFrame:
    """Kendall's τ-b between two judges' rankings of the models by refusals of harmful prompts.

    Args:
        verdicts: a table from ``tables.verdicts``.
        baseline: the variant that changes are relative to.
        controls: variants with the role *control*, which are excluded.
        inference: confidence of ``low`` and ``high``, percentiles over resampled prompts.

    Returns:
        Columns ``COLUMNS``, for every ordered pair of judges; ``quantity`` is ``rate`` (for every variant) or
        ``change`` (from the baseline, for every other one). A pair is compared on prompts and models that both judges
        scored; with fewer than ``LEAST_MODELS`` models τ is NaN.
    """
    inference = inference or Inference()
    rates = prompt_rates(_harmful(verdicts, controls)).dropna(subset=["rate"])
    judges, variants, models = _names(verdicts, rates)
    prompts = names_of(rates, "prompt_id")
    values = _spread(rates, "rate", {"prompt_id": prompts, "judge": judges, "variant": variants, "model": models})
    weights = cluster_weights(np.zeros(len(prompts), dtype=np.int64), inference.resamples, inference.rng())
    rows = []
    for first, second in _pairs(len(judges)):
        shared = ~np.isnan(values[:, [first, second]]).any(axis=1, keepdims=True)
        pair = np.where(shared, values[:, [first, second]], 0.0).reshape(len(prompts), -1)
        counts = np.repeat(shared, 2, axis=1).reshape(len(prompts), -1).astype(float)
        totals = weights @ counts
        means = np.divide(weights @ pair, totals, out=np.full(totals.shape, np.nan), where=totals > 0)
        means = means.reshape(-1, 2, len(variants), len(models))
        rows += _compare(means, judges[first], judges[second], variants, baseline, inference.confidence)
    return _table(rows)


def ranking_from_counts(
    counts: pd.DataFrame, *, baseline: str = ORIGINAL, controls: Collection[str] = ()
) -> pd.DataFrame:
    """The same from counts only, without intervals."""
    harmful = _harmful(counts, controls)
    scored = harmful["refused"] + harmful["not_refused"]
    rates = harmful.assign(rate=harmful["refused"] / scored.where(scored > 0)).dropna(subset=["rate"])
    judges, variants, models = _names(counts, rates)
    values = _spread(rates, "rate", {"judge": judges, "variant": variants, "model": models})[None]
    rows = []
    for first, second in _pairs(len(judges)):
        rows += _compare(values[:, [first, second]], judges[first], judges[second], variants, baseline, 0.95)
    return _table(rows)


def tau_matrix(ranking: pd.DataFrame, quantity: str, variant: str) -> pd.DataFrame:
    """τ of one quantity and variant as a square matrix with judges as index and header; the diagonal is 1."""
    judges = list(dict.fromkeys([*ranking["judge_a"].tolist(), *ranking["judge_b"].tolist()]))
    chosen = ranking[(ranking["quantity"] == quantity) & (ranking["variant"] == variant)]
    matrix = chosen.pivot(index="judge_a", columns="judge_b", values="tau").reindex(index=judges, columns=judges)
    values = matrix.to_numpy(float, copy=True)
    np.fill_diagonal(values, 1.0)
    return pd.DataFrame(values, index=pd.Index(judges, name="judge"), columns=judges)


def _harmful(table: pd.DataFrame, controls: Collection[str]) -> pd.DataFrame:
    return table[(table["label"] == "harmful") & ~table["variant"].isin(list(controls))]


def _names(table: pd.DataFrame, rates: pd.DataFrame) -> tuple[list[str], list[str], list[str]]:
    return names_of(table, "judge"), names_of(rates, "variant"), names_of(rates, "model")


def _pairs(judges: int) -> Iterator[tuple[int, int]]:
    first, second = np.triu_indices(judges, k=1)
    yield from zip(first.tolist(), second.tolist(), strict=True)


def _spread(table: pd.DataFrame, column: str, axes: dict[str, list[str]]) -> FloatArray:
    """Arrange a column along named axes; NaN where the table has no row."""
    values = np.full([len(names) for names in axes.values()], np.nan)
    places = (
        table[axis].map({name: place for place, name in enumerate(names)}).to_numpy(np.int64)
        for axis, names in axes.items()
    )
    values[tuple(places)] = table[column].to_numpy(float)
    return values


def _compare(
    means: FloatArray, judge_a: str, judge_b: str, variants: Sequence[str], baseline: str, confidence: float
) -> list[tuple[object, ...]]:
    """Rows of one pair of judges, from rates of shape [1 + resamples, 2, variants, models]."""
    quantities = [("rate", variant, means[:, :, place]) for place, variant in enumerate(variants)]
    if baseline in variants:
        before = means[:, :, list(variants).index(baseline)]
        quantities += [("change", name, values - before) for _, name, values in quantities if name != baseline]
    rows: list[tuple[object, ...]] = []
    for quantity, variant, values in quantities:
        result = _rank(values, confidence)
        rows += [(judge_a, judge_b, quantity, variant, *result), (judge_b, judge_a, quantity, variant, *result)]
    return rows


def _rank(values: FloatArray, confidence: float) -> tuple[float, float, float, int, str]:
    """τ with its interval, from values of shape [1 + resamples, 2, models]; the first is the original data."""
    kept = values[..., ~np.isnan(values[0]).any(axis=0)]
    models = kept.shape[-1]
    nothing = float("nan")
    if models < LEAST_MODELS:
        return nothing, nothing, nothing, models, FEW_MODELS
    complete = ~np.isnan(kept).any(axis=(1, 2))
    taus = np.full(len(kept), np.nan)
    taus[complete] = kendall_matrix(kept[complete])[:, 0, 1]
    if np.isnan(taus[0]):
        return nothing, nothing, nothing, models, TIED
    low, high = (float(bound[0]) for bound in percentile_interval(taus[1:, None], confidence))
    if low == high:
        return float(taus[0]), nothing, nothing, models, CONSTANT
    reason = "" if not np.isnan(low) else COUNTS_ONLY if len(taus) == 1 else UNSTABLE
    return float(taus[0]), low, high, models, reason


def _table(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=COLUMNS)
    numbers = {"tau": "float64", "low": "float64", "high": "float64", "models": "int64"}
    texts = dict.fromkeys(["judge_a", "judge_b", "quantity", "variant", "reason"], "str")
    return table.astype(numbers | texts).round({"tau": DECIMALS, "low": DECIMALS, "high": DECIMALS})
