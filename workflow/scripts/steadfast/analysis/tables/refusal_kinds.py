"""``refusal_kinds.csv``: kinds of refusals of harmful prompts, and agreement of the judges on kinds.

A refusal declines openly (*explicit*), gives part of the answer (*partial*), changes the topic (*deflection*) or cites
a rule or a danger (*policy*); *none* is everything else.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics import categories
from steadfast.analysis.statistics.bootstrap import cluster_weights, percentile_interval
from steadfast.analysis.statistics.proportions import wilson_interval
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.agreement import LEAST
from steadfast.analysis.tables.ordering import names_of, sort_by_appearance
from steadfast.core.names import REFUSAL_KINDS, UNSCORED

FloatArray = NDArray[np.float64]

RESPONSE = ["model", "variant", "prompt_id", "sample"]
KIND_COLUMNS = [
    "model",
    "variant",
    "judge",
    *REFUSAL_KINDS,
    "unscored",
    "total",
    *(f"{kind}_{part}" for kind in REFUSAL_KINDS for part in ("rate", "low", "high")),
]
AGREEMENT_COLUMNS = ["judges", "metric", "value", "low", "high", "n", "reason"]
CONFUSION_COLUMNS = ["judge", "other_judge", "kind", *(f"other_{kind}" for kind in REFUSAL_KINDS)]
ALL = "all"
UNDEFINED = "all verdicts are of one kind, or nothing was scored by enough judges"
TOO_FEW = f"rests on fewer than {LEAST} responses that are not of the most frequent kind"
NO_INTERVAL = "no interval: the same in every resample, or undefined in too many"
DECIMALS = 6


def kind_table(judgments: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Count the kinds of every model–variant pair.

    Args:
        judgments: a row per judge of kinds and response, with the columns ``judge``, ``RESPONSE`` and ``verdict``.
        confidence: level of the Wilson intervals of the shares among scored responses.

    Returns:
        Columns ``KIND_COLUMNS``.
    """
    pair = ["model", "variant", "judge"]
    counts = judgments.groupby([*pair, "verdict"], sort=False).size().unstack(fill_value=0)
    table = counts.reindex(columns=[*REFUSAL_KINDS, UNSCORED], fill_value=0).reset_index()
    scored = table[[*REFUSAL_KINDS]].sum(axis=1)
    table["total"] = scored + table[UNSCORED]
    for kind in REFUSAL_KINDS:
        low, high = wilson_interval(table[kind], scored, confidence)
        parts = {"rate": table[kind] / scored.where(scored > 0), "low": low, "high": high}
        for part, values in parts.items():
            table[f"{kind}_{part}"] = np.round(np.asarray(values, float), DECIMALS)
    return sort_by_appearance(table, pair)[KIND_COLUMNS]


def kind_agreement(judgments: pd.DataFrame, inference: Inference | None = None, *, least: int = LEAST) -> pd.DataFrame:
    """Agreement of the judges of kinds: accuracy and Cohen's κ of each pair, Fleiss' κ and Krippendorff's α of all.

    Args:
        judgments: see ``kind_table``.
        inference: confidence of the intervals, and resampling of prompts.
        least: minimum number of responses not of the most frequent kind behind κ or α.

    Returns:
        Columns ``AGREEMENT_COLUMNS``; ``judges`` is ``a & b`` for a pair and ``all`` for all of them. With fewer than
        two judges there are no rows.
    """
    inference = inference or Inference()
    judges, codes, prompt = _codes(judgments)
    if len(judges) < 2:
        return _types(pd.DataFrame(columns=AGREEMENT_COLUMNS))
    prompts = int(prompt.max(initial=-1)) + 1
    weights = cluster_weights(np.zeros(prompts, dtype=np.int64), inference.resamples, inference.rng())

    def resampled(per_response: FloatArray) -> FloatArray:
        """Sums over all responses, for the original data and each resample of prompts."""
        per_prompt = np.zeros((prompts, *per_response.shape[1:]))
        np.add.at(per_prompt, prompt, per_response)
        return (weights @ per_prompt.reshape(prompts, -1)).reshape(-1, *per_response.shape[1:])

    kinds, rows = len(REFUSAL_KINDS), []
    for first, second in combinations(range(len(judges)), 2):
        tables = resampled(categories.confusion_matrices(codes[first], codes[second], kinds))
        n = int(tables[0].sum())
        total = tables.sum(axis=(1, 2))
        agreed = np.trace(tables, axis1=1, axis2=2)
        accuracy = np.divide(agreed, total, out=np.full(len(total), np.nan), where=total > 0)
        for metric, values in (("accuracy", accuracy), ("cohen_kappa", categories.cohen_kappa(tables))):
            rests = n if metric == "accuracy" else n - int(np.diag(tables[0]).max())
            rows.append(_row(f"{judges[first]} & {judges[second]}", metric, values, inference, n, rests >= least))
    votes = categories.votes_of(codes, kinds)
    sums = resampled(categories.fleiss_sums(votes, len(judges)))
    enough = _rests_on(votes) >= least
    rows.append(_row(ALL, "fleiss_kappa", categories.fleiss_kappa(sums), inference, int(sums[0, 0]), enough))
    alpha = categories.krippendorff_alpha(resampled(categories.coincidence_matrices(votes)))
    rows.append(_row(ALL, "krippendorff_alpha", alpha, inference, int((votes.sum(axis=1) > 1).sum()), enough))
    return _types(pd.DataFrame(rows, columns=AGREEMENT_COLUMNS))


def _rests_on(votes: FloatArray) -> int:
    """Responses scored by at least two judges, except those that all of them label with the most frequent kind.

    Args:
        votes: shape [responses, kinds].
    """
    given = votes.sum(axis=1)
    scored = votes[given > 1]
    return int(len(scored) - (scored == given[given > 1, None]).sum(axis=0).max(initial=0))


def _row(
    names: str, metric: str, values: FloatArray, inference: Inference, n: int, enough: bool
) -> tuple[str, str, float, float, float, int, str]:
    value, low, high = _interval(values, inference)
    if not enough and not np.isnan(value):
        nothing = float("nan")
        return (names, metric, nothing, nothing, nothing, n, TOO_FEW)
    return (names, metric, value, low, high, n, _reason(value, low))


def kind_confusion(judgments: pd.DataFrame) -> pd.DataFrame:
    """Confusion table of every two judges of kinds, one row per kind of the first.

    Args:
        judgments: see ``kind_table``.

    Returns:
        Columns ``CONFUSION_COLUMNS``: how often the other judge gives each kind.
    """
    judges, codes, _ = _codes(judgments)
    rows = []
    for first, second in combinations(range(len(judges)), 2):
        cells = categories.confusion_matrices(codes[first], codes[second], len(REFUSAL_KINDS)).sum(axis=0)
        for kind, line in zip(REFUSAL_KINDS, cells.astype(int).tolist(), strict=True):
            rows.append((judges[first], judges[second], kind, *line))
    return pd.DataFrame(rows, columns=CONFUSION_COLUMNS)


def _codes(judgments: pd.DataFrame) -> tuple[Sequence[str], NDArray[np.int8], NDArray[np.int64]]:
    """Judges, indices of their kinds, shape [judges, responses] (negative: unscored), and each response's prompt."""
    judges = names_of(judgments, "judge")
    number = {kind: index for index, kind in enumerate(REFUSAL_KINDS)}
    response = judgments.groupby(RESPONSE, sort=False).ngroup().to_numpy(np.int64)
    judge = judgments["judge"].map({name: index for index, name in enumerate(judges)}).to_numpy(np.int64)
    codes = np.full((len(judges), int(response.max(initial=-1)) + 1), -1, dtype=np.int8)
    codes[judge, response] = judgments["verdict"].map(number).fillna(-1).to_numpy(np.int8)
    prompts = judgments.loc[~judgments.duplicated(RESPONSE), "prompt_id"]
    return judges, codes, np.asarray(pd.factorize(prompts)[0], dtype=np.int64)


def _interval(values: FloatArray, inference: Inference) -> tuple[float, float, float]:
    low, high = (float(bound[0]) for bound in percentile_interval(values[1:, None], inference.confidence))
    value, nothing = float(values[0]), float("nan")
    return (value, low, high) if low < high and not np.isnan(value) else (value, nothing, nothing)


def _reason(value: float, low: float) -> str:
    return UNDEFINED if np.isnan(value) else NO_INTERVAL if np.isnan(low) else ""


def _types(table: pd.DataFrame) -> pd.DataFrame:
    numbers = dict.fromkeys(["value", "low", "high"], "float64") | {"n": "int64"}
    texts = dict.fromkeys(["judges", "metric", "reason"], "str")
    return table.astype(numbers | texts).round(dict.fromkeys(["value", "low", "high"], DECIMALS))
