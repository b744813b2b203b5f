"""Judgments of variants with the reference's verdicts: the data of ``self_evaluation.csv``."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.discrimination import auroc
from steadfast.core.files import read_table, require_columns
from steadfast.core.names import REFUSAL, UNSCORED
from steadfast.judges.interface import KEYS

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

OWN, OTHERS = "own", "others"
SAMPLE = ["judge", "model", "variant", "responses"]
COLUMNS = [*SAMPLE, *KEYS, "label", "refused", "verdict", "score", "label_probability"]

NOTHING = "no response that the reference scored"
NOT_SCORED = "the model scored none of the responses"
NO_REFUSAL = "the reference finds no refusal"
ONLY_REFUSALS = "the reference finds refusals only"
NO_PROBABILITY = "the judge reports no probabilities"


@dataclass(frozen=True)
class Sample:
    """Judgments of one variant on responses that the reference scored.

    Attributes:
        prompt: index of each response's prompt, shape [responses].
        refused: whether the reference labels it a refusal, shape [responses].
        predicted: whether the variant labels it a refusal, shape [responses]; False if unscored.
        scored: whether the variant gave a verdict, shape [responses].
        score: the variant's probability of a refusal, shape [responses]; NaN if unknown.
        mass: total probability of both labels, shape [responses]; NaN if unknown.
    """

    prompt: NDArray[np.int64]
    refused: BoolArray
    predicted: BoolArray
    scored: BoolArray
    score: FloatArray
    mass: FloatArray


@dataclass(frozen=True)
class Measured:
    """A measure of one sample.

    Attributes:
        values: shape [weightings]; NaN where undefined.
        rests_on: which responses it is based on, shape [responses].
        reason: why it is undefined on the original data; empty if it is defined.
    """

    values: FloatArray
    rests_on: BoolArray
    reason: str = ""


def collect_self_judgments(
    cells: Iterable[tuple[str, str, str, str | Path, str | Path]],
    reference: Iterable[tuple[str, str, str | Path]],
    prompts: pd.DataFrame,
) -> pd.DataFrame:
    """Collect the judgments of variants on their own and on control responses.

    Args:
        cells: judge, model, variant, and the files of its judgments of its own and of others' responses.
        reference: model, variant and file of the reference's judgments of every variant.
        prompts: the prompt table.

    Returns:
        ``COLUMNS``; ``refused`` is the reference's verdict, missing if unscored.
    """
    columns = [*KEYS, "verdict"]
    verdicts = [
        require_columns(read_table(path), columns, path)[columns].assign(of_model=model, of_variant=variant)
        for model, variant, path in reference
    ]
    truth = pd.concat(verdicts)
    refused = (truth["verdict"] == REFUSAL).astype("boolean").where(truth["verdict"] != UNSCORED)
    truth = truth.assign(refused=refused).drop(columns="verdict")
    parts = []
    for judge, model, variant, own, others in cells:
        mine = read_table(own).assign(of_model=model, of_variant=variant, responses=OWN)
        theirs = read_table(others).rename(columns={"model": "of_model", "variant": "of_variant"})
        both = pd.concat([mine, theirs.assign(responses=OTHERS)]) if len(theirs) else mine
        parts.append(both.assign(judge=judge, model=model, variant=variant))
    judgments = pd.concat(parts).merge(truth, on=["of_model", "of_variant", *KEYS], how="left")
    judgments = judgments.merge(prompts[["prompt_id", "label"]].drop_duplicates(), on="prompt_id")
    return judgments.assign(label_probability=judgments["raw"].map(_label_probability))[COLUMNS]


def sample_of(judgments: pd.DataFrame, index: Mapping[str, int]) -> Sample:
    """Arrange the judgments of one variant as arrays.

    Args:
        judgments: rows of ``collect_self_judgments``.
        index: index of every prompt by its id.
    """
    known = judgments[judgments["refused"].notna()]
    return Sample(
        prompt=np.asarray(known["prompt_id"].map(index), dtype=np.int64),
        refused=known["refused"].to_numpy(np.bool_),
        predicted=(known["verdict"] == REFUSAL).to_numpy(np.bool_),
        scored=(known["verdict"] != UNSCORED).to_numpy(np.bool_),
        score=known["score"].to_numpy(float),
        mass=known["label_probability"].to_numpy(float),
    )


def discrimination(sample: Sample, weights: FloatArray) -> Measured:
    """Area under the ROC curve of the variant's probability of a refusal, among the responses that it scored."""
    used = sample.scored & np.isfinite(sample.score)
    values = auroc(sample.score[used], sample.refused[used], weights[:, sample.prompt[used]])
    return Measured(values, used, _reason(sample, used, NO_PROBABILITY) or _one_class(sample.refused[used]))


def sensitivity(sample: Sample, weights: FloatArray) -> Measured:
    """Share of the reference's refusals that the variant labels as such, among the responses that it scored."""
    cases = sample.scored & sample.refused
    return _mean(sample.predicted, cases, sample, weights, NO_REFUSAL)


def specificity(sample: Sample, weights: FloatArray) -> Measured:
    """Share of the reference's non-refusals that the variant labels as such, among the responses that it scored."""
    cases = sample.scored & ~sample.refused
    return _mean(~sample.predicted, cases, sample, weights, ONLY_REFUSALS)


def bias(sample: Sample, weights: FloatArray) -> Measured:
    """The variant's share of refusals minus the reference's, among the responses that the variant scored."""
    signed = sample.predicted.astype(float) - sample.refused.astype(float)
    return _mean(signed, sample.scored, sample, weights, NOT_SCORED)


def coverage(sample: Sample, weights: FloatArray) -> Measured:
    """Share of the responses that the variant scored."""
    return _mean(sample.scored, np.ones(len(sample.scored), dtype=np.bool_), sample, weights, NOTHING)


def label_probability(sample: Sample, weights: FloatArray) -> Measured:
    """Mean probability that the variant answers with a label; near 0, its text would contain no label."""
    return _mean(np.nan_to_num(sample.mass), np.isfinite(sample.mass), sample, weights, NO_PROBABILITY)


MEASURES: dict[str, Callable[[Sample, FloatArray], Measured]] = {
    "auroc": discrimination,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "bias": bias,
    "coverage": coverage,
    "label_probability": label_probability,
}


def _mean(
    values: FloatArray | BoolArray, cases: BoolArray, sample: Sample, weights: FloatArray, nothing: str
) -> Measured:
    """Mean of a value over the selected responses, for every weighting of the prompts."""
    prompts = weights.shape[1]
    sums = np.bincount(sample.prompt[cases], values[cases].astype(float), minlength=prompts)
    counts = np.bincount(sample.prompt[cases], minlength=prompts).astype(float)
    drawn = weights @ counts
    means = np.divide(weights @ sums, drawn, out=np.full(len(weights), np.nan), where=drawn > 0)
    return Measured(means, cases, _reason(sample, cases, nothing))


def _reason(sample: Sample, cases: BoolArray, nothing: str) -> str:
    if cases.any():
        return ""
    if not len(cases):
        return NOTHING
    return nothing if sample.scored.any() else NOT_SCORED


def _one_class(refused: BoolArray) -> str:
    return NO_REFUSAL if not refused.any() else ONLY_REFUSALS if refused.all() else ""


def _label_probability(raw: str) -> float:
    """Total probability of both labels, from the log-probabilities stored by a checkpoint judge."""
    try:
        values = json.loads(raw)
    except ValueError:
        return float("nan")
    return float(np.exp(list(values.values())).sum()) if isinstance(values, dict) and values else float("nan")
