"""``annotators.csv``: inter-annotator agreement on the same responses."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.bootstrap import cluster_weights, percentile_interval
from steadfast.analysis.statistics.reliability import alpha_support, coincidences, krippendorff_alpha
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.agreement import CONSTANT, LEAST, ONE_PROMPT, TOO_FEW, UNSTABLE, agreement_table
from steadfast.analysis.tables.ordering import LABELS
from steadfast.analysis.tables.verdict_arrays import NOT_REFUSED, REFUSED, verdict_grid

FloatArray = NDArray[np.float64]

COLUMNS = ["annotators", "subset", "metric", "value", "low", "high", "n", "reason"]
PAIR_METRICS = {"accuracy": "raw_agreement", "cohen_kappa": "cohen_kappa", "coverage": "coverage"}
EVERYBODY = "all"
DECIMALS = 6
UNDEFINED = "all labels are the same, or no response was labeled by two annotators"


def annotator_agreement(
    verdicts: pd.DataFrame,
    annotators: Sequence[str],
    *,
    inference: Inference | None = None,
) -> pd.DataFrame:
    """Agreement between annotators: raw and Cohen's κ for each pair, Krippendorff's α for all of them.

    Responses on which an annotator was unsure are excluded for that annotator. Intervals resample prompts.

    Args:
        verdicts: a table from ``tables.verdicts``.
        annotators: names of the annotators' judges (not their majority).
        inference: confidence of the intervals, and resampling of prompts.

    Returns:
        Columns ``COLUMNS``; ``annotators`` is ``a & b`` for a pair and ``all`` for all of them. With fewer than two
        annotators there are no rows.
    """
    inference = inference or Inference()
    table = verdicts[verdicts["judge"].isin(list(annotators))]
    if table["judge"].nunique() < 2:
        return _types(pd.DataFrame(columns=COLUMNS))
    pairs = agreement_table(table, inference=inference)
    order = {name: rank for rank, name in enumerate(annotators)}
    forward = pairs["judge_a"].map(order) < pairs["judge_b"].map(order)
    subsets = [EVERYBODY, *LABELS]
    pairs = pairs[forward & pairs["metric"].isin(list(PAIR_METRICS)) & pairs["subset"].isin(subsets)]
    pairs = pairs.assign(
        annotators=pairs["judge_a"] + " & " + pairs["judge_b"], metric=pairs["metric"].map(PAIR_METRICS)
    )
    return _types(pd.concat([pairs[COLUMNS], _alpha(table, inference)], ignore_index=True))


def _alpha(verdicts: pd.DataFrame, inference: Inference) -> pd.DataFrame:
    grid = verdict_grid(verdicts)
    yes, no = ((grid.codes == code).sum(axis=0).astype(float) for code in (REFUSED, NOT_REFUSED))
    per_prompt = np.zeros((len(grid.harmful), 3))
    np.add.at(per_prompt, grid.prompt, coincidences(yes, no))
    pairable = (yes + no) >= 2
    rows = []
    for index, (subset, prompts) in enumerate(
        (
            (EVERYBODY, np.ones(len(grid.harmful), dtype=np.bool_)),
            ("harmful", grid.harmful),
            ("harmless", ~grid.harmful),
        )
    ):
        rng = np.random.default_rng([inference.seed, index])
        weights = cluster_weights(grid.harmful[prompts].astype(np.int64), inference.resamples, rng)
        values = krippendorff_alpha(weights @ per_prompt[prompts])
        low, high = (float(bound[0]) for bound in percentile_interval(values[1:, None], inference.confidence))
        value, several = float(values[0]), int((per_prompt[prompts].sum(axis=-1) > 0).sum()) > 1
        chosen = prompts[grid.prompt]
        few = not np.isnan(value) and alpha_support(yes[chosen], no[chosen]) < LEAST
        value = float("nan") if few else value
        blank = TOO_FEW if few else UNDEFINED
        reason = blank if np.isnan(value) else ONE_PROMPT if not several else UNSTABLE if np.isnan(low) else ""
        if reason or low == high:
            reason, low, high = reason or CONSTANT, float("nan"), float("nan")
        counted = int((pairable & chosen).sum())
        rows.append((EVERYBODY, subset, "krippendorff_alpha", value, low, high, counted, reason))
    return pd.DataFrame(rows, columns=COLUMNS)


def _types(table: pd.DataFrame) -> pd.DataFrame:
    numbers = dict.fromkeys(["value", "low", "high"], "float64") | {"n": "int64"}
    texts = dict.fromkeys(["annotators", "subset", "metric", "reason"], "str")
    return table.astype(numbers | texts).round(dict.fromkeys(["value", "low", "high"], DECIMALS))
