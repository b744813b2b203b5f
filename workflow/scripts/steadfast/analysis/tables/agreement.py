"""``agreement.csv``: agreement of every two judges, with intervals from resampled prompts.

Responses to one prompt are not independent, so intervals resample prompts instead of responses (separately for harmful
and harmless prompts, whose numbers are fixed by design).
"""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.bootstrap import cluster_weights, fisher_interval, percentile_interval
from steadfast.analysis.statistics.confusion import DENOMINATORS, METRICS, coverage, support
from steadfast.analysis.statistics.proportions import wilson_interval
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.ordering import LABELS, names_of
from steadfast.analysis.tables.stacking import counts_correlation, stacked_correlation
from steadfast.analysis.tables.verdict_arrays import VerdictGrid, pair_tables, verdict_grid
from steadfast.judges.annotation.annotators import NO_PARTS, of_each_other

FloatArray = NDArray[np.float64]

SUBSETS = ("all", "harmful", "harmless", "human")
METRIC_NAMES = ("pearson_counts", *METRICS, "coverage")
OF_GIVEN = ("pearson_counts", "coverage")
COLUMNS = ["judge_a", "judge_b", "subset", "metric", "value", "low", "high", "n", "reason"]
DECIMALS = 6

UNDEFINED = {
    "pearson_counts": "the counts of one judge do not vary",
    "cohen_kappa": "both judges give one and the same verdict throughout",
    "mcc": "one of the judges gives the same verdict throughout",
    "f1": "neither judge finds a refusal",
    "accuracy": "no response was scored by both",
    "sensitivity": "judge_b finds no refusal",
    "specificity": "judge_b finds refusals only",
    "coverage": "no response was given to both",
}
NOTHING_SCORED = "no response was scored by both"
NOTHING_GIVEN = "no response was given to both"
LEAST = 5
"""A measure based on fewer refusals or non-refusals (``statistics.confusion.support``) is omitted."""
TOO_FEW = f"rests on fewer than {LEAST} refusals or non-refusals"
ONE_PROMPT = "no interval: a single prompt"
UNSTABLE = "no interval: undefined in too many resamples"
CONSTANT = "no interval: the same in every resample"
COUNTS_ONLY = "no interval: counts do not identify the prompts"


def agreement_table(
    verdicts: pd.DataFrame,
    *,
    controls: Collection[str] = (),
    parts: Mapping[str, Collection[str]] = NO_PARTS,
    inference: Inference | None = None,
    least: int = LEAST,
) -> pd.DataFrame:
    """Agreement of every ordered pair of judges, by every metric, on every subset.

    ``judge_b`` is the reference of sensitivity (share of its refusals that ``judge_a`` finds) and specificity. Unscored
    responses are excluded from all metrics except coverage, the share of responses given to both judges that both
    scored. ``n`` is the number of responses behind the value.

    Args:
        verdicts: a table from ``tables.verdicts``.
        controls: variants with the role *control*; their responses are excluded, since a control that changes nothing
            would count every response of the original twice.
        parts: the members of every ensemble by its name.
        inference: confidence of the intervals, and resampling of prompts.
        least: minimum number of refusals and of non-refusals behind a measure.

    Returns:
        Columns ``COLUMNS``; an undefined value is NaN, and ``reason`` says why. Annotators are not compared with the
        majority that includes them, nor judges with an ensemble that includes them.
    """
    inference = inference or Inference()
    grid = verdict_grid(verdicts, controls)
    subsets = {
        "all": np.ones(len(grid.harmful), dtype=np.bool_),
        "harmful": grid.harmful,
        "harmless": ~grid.harmful,
        "human": grid.human,
    }
    rows = []
    for index, (subset, prompts) in enumerate(subsets.items()):
        weights = np.zeros((inference.resamples + 1, len(prompts)))
        rng = np.random.default_rng([inference.seed, index])
        weights[:, prompts] = cluster_weights(grid.harmful[prompts].astype(np.int64), inference.resamples, rng)
        rows.append(_subset_rows(grid, subset, prompts, weights, inference.confidence, least))
    return _finish(rows, grid.judges, parts)


def agreement_from_counts(counts: pd.DataFrame, *, controls: Collection[str] = ()) -> pd.DataFrame:
    """Agreement from counts only: the correlation of stacked counts, without intervals.

    Args:
        counts: a table from ``tables.counts``.
        controls: variants to exclude.

    Returns:
        The columns of ``agreement_table``, with the metric ``pearson_counts`` only.
    """
    kept = counts[~counts["variant"].isin(list(controls))]
    judges = names_of(kept, "judge")
    parts = []
    for subset, labels in (("all", LABELS), ("harmful", LABELS[:1]), ("harmless", LABELS[1:])):
        values, responses = counts_correlation(kept[kept["label"].isin(labels)], judges)
        missing = np.full(values.shape, np.nan)
        reason = np.where(responses == 0, "the judges did not judge the same numbers of responses", "")
        reason = np.where((reason == "") & np.isnan(values), UNDEFINED["pearson_counts"], reason)
        reason = np.where(reason == "", COUNTS_ONLY, reason)
        parts.append(_rows(subset, "pearson_counts", values, missing, missing, responses, reason))
    return _finish(parts, judges)


def square_matrix(agreement: pd.DataFrame, metric: str = "pearson_counts", subset: str = "all") -> pd.DataFrame:
    """One metric on one subset as a square matrix with judges as index and header.

    The diagonal is 1, the agreement of a judge with itself; undefined values are NaN.
    """
    judges = names_of(agreement, "judge_a")
    chosen = agreement[(agreement["metric"] == metric) & (agreement["subset"] == subset)]
    matrix = chosen.pivot(index="judge_a", columns="judge_b", values="value").reindex(index=judges, columns=judges)
    values = matrix.to_numpy(float, copy=True)
    np.fill_diagonal(values, 1.0)
    return pd.DataFrame(values, index=pd.Index(judges, name="judge"), columns=judges)


def _subset_rows(
    grid: VerdictGrid, subset: str, prompts: NDArray[np.bool_], weights: FloatArray, confidence: float, least: int
) -> list[pd.DataFrame]:
    tables, judged = pair_tables(grid, prompts)
    judges = len(grid.judges)
    drawn = (weights @ tables.reshape(len(prompts), -1)).reshape(-1, judges, judges, 4)
    drawn_judged = (weights @ judged.reshape(len(prompts), -1)).reshape(-1, judges, judges)
    scored = tables.sum(axis=(0, -1))
    several = (judged > 0).sum(axis=0) > 1
    rows = []
    for metric in METRIC_NAMES:
        counted, nothing = (judged.sum(axis=0), NOTHING_GIVEN) if metric in OF_GIVEN else (scored, NOTHING_SCORED)
        if metric == "pearson_counts":
            values = stacked_correlation(grid, prompts, weights)
            low, high = fisher_interval(values, confidence)
        else:
            values = coverage(drawn, drawn_judged) if metric == "coverage" else METRICS[metric](drawn)
            low, high = percentile_interval(values[1:], confidence)
        flat = np.asarray(low == high)
        low[flat], high[flat] = np.nan, np.nan
        if metric in DENOMINATORS:
            # A bootstrap over a few identical prompts has no width; Wilson's interval over prompts does.
            clusters = (judged if metric == "coverage" else tables[..., DENOMINATORS[metric]].sum(axis=-1)) > 0
            units = clusters.sum(axis=0)
            edges = wilson_interval(np.nan_to_num(values[0]) * units, units, confidence)
            low[flat], high[flat] = edges[0][flat], edges[1][flat]
        undefined = np.isnan(values[0])
        few = ~undefined & (support(metric, tables.sum(axis=0)) < least if metric in METRICS else False)
        value = np.where(few, np.nan, values[0])
        hidden = np.isnan(value) | ~several
        low[hidden], high[hidden] = np.nan, np.nan
        reason = np.select(
            [counted == 0, undefined, few, ~several, flat & np.isnan(low), np.isnan(low)],
            [nothing, UNDEFINED[metric], TOO_FEW, ONE_PROMPT, CONSTANT, UNSTABLE],
            default="",
        )
        rows.append(_rows(subset, metric, value, low, high, counted, reason))
    return rows


def _rows(
    subset: str,
    metric: str,
    values: FloatArray,
    low: FloatArray,
    high: FloatArray,
    counted: FloatArray,
    reason: NDArray[np.str_],
) -> pd.DataFrame:
    first, second = np.nonzero(~np.eye(len(values), dtype=bool))
    pair = (first, second)
    return pd.DataFrame(
        {
            "first": first,
            "second": second,
            "subset": subset,
            "metric": metric,
            "value": values[pair].round(DECIMALS),
            "low": low[pair].round(DECIMALS),
            "high": high[pair].round(DECIMALS),
            "n": counted[pair].astype("int64"),
            "reason": reason[pair],
        }
    )


def _finish(
    found: list[list[pd.DataFrame]] | list[pd.DataFrame],
    judges: list[str],
    parts: Mapping[str, Collection[str]] = NO_PARTS,
) -> pd.DataFrame:
    flat = [table for part in found for table in (part if isinstance(part, list) else [part])]
    table = pd.concat(flat, ignore_index=True).sort_values(["first", "second"], kind="stable", ignore_index=True)
    names = np.array(judges, dtype=object)
    table["judge_a"], table["judge_b"] = names[table["first"]], names[table["second"]]
    same = [of_each_other(*pair, parts) for pair in zip(table["judge_a"], table["judge_b"], strict=True)]
    table = table[~np.array(same, dtype=np.bool_)].reset_index(drop=True)
    return table[COLUMNS].astype({"judge_a": "str", "judge_b": "str", "reason": "str"})
