"""``self_evaluation.csv``: whether variants recognize refusals in their own responses and in those of other models.

The reference judge's verdict is the truth; responses that it left unscored are excluded. Responses that a variant left
unscored lower its coverage and are excluded from all other measures. Intervals resample prompts, separately for harmful
and harmless ones, with the same resamples for all variants: differences between variants, and between own and others'
responses, are paired by prompt.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.bootstrap import cluster_weights, percentile_interval
from steadfast.analysis.statistics.proportions import wilson_interval
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.agreement import CONSTANT, LEAST, ONE_PROMPT, TOO_FEW, UNSTABLE
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.self_judgments import MEASURES, OTHERS, OWN, SAMPLE, Measured, Sample, sample_of

FloatArray = NDArray[np.float64]

GAP = "own - others"
ALL_MODELS = ""
COLUMNS = [*SAMPLE, "metric", "value", "low", "high", "change", "change_low", "change_high", "n", "reason"]
FLOATS = dict.fromkeys(["value", "low", "high", "change", "change_low", "change_high"], "float64")
PROPORTIONS = ("sensitivity", "specificity", "coverage")
DECIMALS = 9
OF_CHANGE = "the change has "
NO_MODEL = "undefined for every model"


class Cell(NamedTuple):
    """One variant and the source of the responses that it judges."""

    model: str
    variant: str
    responses: str


def self_evaluation_table(
    judgments: pd.DataFrame, *, baseline: str = "original", inference: Inference | None = None, least: int = LEAST
) -> pd.DataFrame:
    """Every measure of every variant on its own responses and others', and their difference.

    Args:
        judgments: a table from ``tables.judgments``.
        baseline: the variant that changes are relative to.
        inference: confidence and resampling.
        least: minimum number of refusals and of non-refusals behind a measure that distinguishes them.

    Returns:
        ``COLUMNS``. ``responses`` is ``own``, ``others`` or ``own - others``; ``change`` is the difference from the
        baseline variant of the same model; ``n`` counts the responses behind the value. An undefined value or bound is
        NaN, and ``reason`` says why. Rows with an empty model are means over the models.
    """
    inference = inference or Inference()
    prompts = judgments.drop_duplicates("prompt_id")
    index = {str(prompt_id): rank for rank, prompt_id in enumerate(prompts["prompt_id"])}
    strata = np.asarray(prompts["label"] == "harmful", dtype=np.int64)
    weights = cluster_weights(strata, inference.resamples, inference.rng())
    rows: list[tuple[object, ...]] = []
    for judge in names_of(judgments, "judge"):
        tables = judgments[judgments["judge"] == judge].groupby(SAMPLE[1:], sort=False)
        samples = {Cell(*map(str, cell)): sample_of(table, index) for cell, table in tables if isinstance(cell, tuple)}
        for metric, measure in MEASURES.items():
            measured = {
                cell: _if_enough(metric, measure(sample, weights), sample, least) for cell, sample in samples.items()
            }
            rows += [(judge, *row) for row in _rows(metric, measured, samples, baseline, inference.confidence)]
    order = {
        "judge": names_of(judgments, "judge"),
        "model": [ALL_MODELS, *names_of(judgments, "model")],
        "variant": names_of(judgments, "variant"),
        "responses": [OWN, OTHERS, GAP],
        "metric": list(MEASURES),
    }
    return _sorted(pd.DataFrame(rows, columns=COLUMNS).astype(FLOATS), order).round(dict.fromkeys(FLOATS, DECIMALS))


def _if_enough(metric: str, found: Measured, sample: Sample, least: int) -> Measured:
    """The measure; undefined if it has too few responses."""
    number = int(found.rests_on.sum())
    refused = int((found.rests_on & sample.refused).sum())
    counts = {"auroc": min(refused, number - refused), "sensitivity": number, "specificity": number}
    if found.reason or counts.get(metric, least) >= least:
        return found
    return Measured(np.full(len(found.values), np.nan), found.rests_on, TOO_FEW)


def _rows(
    metric: str, measured: Mapping[Cell, Measured], samples: Mapping[Cell, Sample], baseline: str, confidence: float
) -> list[tuple[object, ...]]:
    values = {cell: found.values for cell, found in measured.items()}
    values |= _gaps(values)
    changes = {
        cell: found - values[cell._replace(variant=baseline)]
        for cell, found in values.items()
        if cell.variant != baseline and cell._replace(variant=baseline) in values
    }
    means, mean_changes = _means(values), _means(changes)
    rows: list[tuple[object, ...]] = []
    for cell, found in {**means, **values}.items():
        single = measured.get(cell)
        units = _prompts(single, samples[cell]) if single else None
        wilson = units if metric in PROPORTIONS else None
        low, high, problem = _bounds(found, confidence, wilson)
        if np.isnan(found[0]):
            problem = _why_undefined(cell, measured)
        elif units == 1:
            low, high, problem = np.nan, np.nan, ONE_PROMPT
        change = changes.get(cell, mean_changes.get(cell))
        numbers: tuple[float, float, float] = (np.nan, np.nan, np.nan)
        if change is not None and not np.isnan(change[0]):
            change_low, change_high, of_change = _bounds(change, confidence)
            numbers = (float(change[0]), change_low, change_high)
            problem = "; ".join(filter(None, [problem, OF_CHANGE + of_change if of_change else ""]))
        count = sum(int(measured[part].rests_on.sum()) for part in _parts(cell, measured))
        rows.append((*cell, metric, float(found[0]), low, high, *numbers, count, problem))
    return rows


def _gaps(values: Mapping[Cell, FloatArray]) -> dict[Cell, FloatArray]:
    """Own minus others' responses, for variants that judged both."""
    return {
        cell._replace(responses=GAP): found - values[cell._replace(responses=OTHERS)]
        for cell, found in values.items()
        if cell.responses == OWN and cell._replace(responses=OTHERS) in values
    }


def _means(values: Mapping[Cell, FloatArray]) -> dict[Cell, FloatArray]:
    """Means over the models for which the value is defined on the original data."""
    groups: dict[Cell, list[FloatArray]] = {}
    for cell, found in values.items():
        groups.setdefault(cell._replace(model=ALL_MODELS), []).append(found)
    means = {}
    for cell, members in groups.items():
        defined = [found for found in members if not np.isnan(found[0])]
        means[cell] = np.mean(defined, axis=0) if defined else np.full(len(members[0]), np.nan)
    return means


def _bounds(values: FloatArray, confidence: float, units: int | None = None) -> tuple[float, float, str]:
    """Percentile interval over resamples; if it has zero width, Wilson's interval over ``units``, or NaN."""
    low, high = (float(bound[0]) for bound in percentile_interval(values[1:, None], confidence))
    if np.isnan(low):
        return low, high, UNSTABLE
    if low < high:
        return low, high, ""
    if not units:
        return np.nan, np.nan, CONSTANT
    edges = wilson_interval(values[0] * units, units, confidence)
    return float(edges[0]), float(edges[1]), ""


def _prompts(measured: Measured, sample: Sample) -> int:
    return len(np.unique(sample.prompt[measured.rests_on]))


def _parts(cell: Cell, measured: Mapping[Cell, Measured]) -> list[Cell]:
    """Samples behind a row: one, two for a difference, or those of all models."""
    kinds = (OWN, OTHERS) if cell.responses == GAP else (cell.responses,)
    return [
        part
        for part in measured
        if part.variant == cell.variant and part.responses in kinds and cell.model in (ALL_MODELS, part.model)
    ]


def _why_undefined(cell: Cell, measured: Mapping[Cell, Measured]) -> str:
    if cell.model == ALL_MODELS:
        return NO_MODEL
    reasons = {part.responses: measured[part].reason for part in _parts(cell, measured) if measured[part].reason}
    if cell.responses != GAP:
        return reasons[cell.responses]
    return "; ".join(f"{responses}: {reason}" for responses, reason in reasons.items())


def _sorted(table: pd.DataFrame, order: Mapping[str, list[str]]) -> pd.DataFrame:
    ranks = {
        column: table[column].map({name: rank for rank, name in enumerate(names)}) for column, names in order.items()
    }
    index = pd.DataFrame(ranks).sort_values(list(ranks), kind="stable").index
    return table.loc[index].reset_index(drop=True)
