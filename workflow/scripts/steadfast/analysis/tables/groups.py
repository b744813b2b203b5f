"""``groups.csv``: replicates of one recipe, aggregated so that recipes can be compared with the variation across seeds.

Replicates are separate models that share a ``group``. Both prompts and replicates are samples, so both are resampled
(the pigeonhole bootstrap of Owen 2007, Annals of Applied Statistics 1:386), and the interval is expanded for the small
number of replicates (``statistics.bootstrap.expanded_confidence``).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.bootstrap import (
    change_interval,
    cluster_weights,
    expanded_confidence,
    share_interval,
)
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.ordering import names_of, sort_by_appearance
from steadfast.analysis.tables.robustness import prompt_rates
from steadfast.core.names import ORIGINAL

FloatArray = NDArray[np.float64]

KEYS = ["group", "variant", "judge", "label"]
COLUMNS = [
    *KEYS,
    "models",
    *(f"{quantity}{suffix}" for quantity in ("rate", "change") for suffix in ("", "_low", "_high", "_min", "_max")),
]
DECIMALS = 6


def group_table(
    verdicts: pd.DataFrame,
    groups: Mapping[str, str],
    *,
    baseline: str = ORIGINAL,
    inference: Inference | None = None,
) -> pd.DataFrame:
    """Mean rates and changes over the replicates of each group, with intervals and the range of the replicates.

    Args:
        verdicts: a table from ``tables.verdicts``.
        groups: group by model; models without a group are excluded.
        baseline: the variant that changes are relative to.
        inference: confidence and resampling.

    Returns:
        Columns ``COLUMNS``; ``models`` is the number of replicates, ``_min`` and ``_max`` are the lowest and the
        highest of them. With a single replicate, only prompts are resampled.
    """
    inference = inference or Inference()
    rates = prompt_rates(verdicts[verdicts["model"].isin(list(groups))]).dropna(subset=["rate"])
    rates = rates.assign(group=rates["model"].map(dict(groups)))
    rows = []
    for key, cell in rates.groupby(KEYS, sort=False):
        group, variant, judge, label = key
        earlier = (rates["group"] == group) & (rates["variant"] == baseline) & (rates["judge"] == judge)
        before = rates.loc[earlier & (rates["label"] == label), ["model", "prompt_id", "rate"]]
        rows.append((*key, cell["model"].nunique(), *_summary(cell, "rate", inference)))
        if variant == baseline:
            rows[-1] += (float("nan"),) * 5
            continue
        joined = cell.merge(before, on=["model", "prompt_id"], suffixes=("", "_before"))
        rows[-1] += _summary(joined.assign(change=joined["rate"] - joined["rate_before"]), "change", inference)
    table = pd.DataFrame(rows, columns=COLUMNS)
    floats = dict.fromkeys(COLUMNS[COLUMNS.index("rate") :], "float64")
    table = table.astype(floats | {"models": "int64"} | dict.fromkeys(KEYS, "str"))
    return sort_by_appearance(table.round(dict.fromkeys(floats, DECIMALS)), KEYS)


def _summary(table: pd.DataFrame, column: str, inference: Inference) -> tuple[float, ...]:
    """Mean over replicates, its interval, and the lowest and highest replicate."""
    if table.empty:
        return (float("nan"),) * 5
    models, prompts = names_of(table, "model"), names_of(table, "prompt_id")
    values = table.pivot(index="prompt_id", columns="model", values=column).reindex(index=prompts, columns=models)
    known = values.notna().to_numpy(float)
    rng = inference.rng()
    of_prompts = cluster_weights(np.zeros(len(prompts), dtype=np.int64), inference.resamples, rng)
    of_models = cluster_weights(np.zeros(len(models), dtype=np.int64), inference.resamples, rng)
    counts = of_prompts @ known
    sums = of_prompts @ values.fillna(0.0).to_numpy(float)
    means: FloatArray = np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)
    drawn = ((counts > 0) * of_models).sum(axis=1)
    averages: FloatArray = np.divide(
        (np.nan_to_num(means) * of_models).sum(axis=1), drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0
    )
    interval = change_interval if column == "change" else share_interval
    expanded = expanded_confidence(inference.confidence, len(models))
    low, high = interval(averages, len(prompts), inference.confidence, percentiles=expanded)
    return float(averages[0]), low, high, float(means[0].min()), float(means[0].max())
