"""Agreement and calibration of the learned judge on held-out sources and styles."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steadfast.judges.learned.head import Calibration
from steadfast.judges.learned.seen import Array
from steadfast.training.refusal_judge.data import LabeledResponse
from steadfast.training.refusal_judge.fitting import Floats, Marks, calibrate

SOURCES = ("generated", "written", "composed")
STYLE_FOLDS = 6
RESAMPLES = 1000
BINS = 10


@dataclass(frozen=True)
class Agreement:
    """Agreement of verdicts with the labels.

    Attributes:
        kappa: Cohen's κ.
        low: lower end of its 95% bootstrap interval over responses.
        high: upper end.
        accuracy: share of equal verdicts.
        count: responses.
    """

    kappa: float
    low: float
    high: float
    accuracy: float
    count: int

    def __str__(self) -> str:
        """For a table."""
        return f"{self.kappa:.2f} ({self.low:.2f} to {self.high:.2f})"


def folds_of(examples: Sequence[LabeledResponse], seed: int) -> dict[str, Marks]:
    """Folds of the examples: each source, and groups of styles within the composed ones."""
    source = np.asarray([example.source for example in examples])
    style = np.asarray([example.style for example in examples])
    styles = sorted({example.style for example in examples if example.source == "composed"})
    random.Random(seed).shuffle(styles)
    folds = {name: source == name for name in SOURCES if name != "composed"}
    parts = {f"styles {part + 1}": styles[part::STYLE_FOLDS] for part in range(STYLE_FOLDS)}
    return {**folds, **{name: (source == "composed") & np.isin(style, chosen) for name, chosen in parts.items()}}


def agreement(predicted: Marks, refusal: Marks, seed: int = 0) -> Agreement:
    """Agreement of verdicts with labels."""
    draws = np.random.default_rng(seed).integers(len(predicted), size=(RESAMPLES, len(predicted)))
    low, high = np.nanquantile([_kappa(predicted[rows], refusal[rows]) for rows in draws], [0.025, 0.975])
    return Agreement(
        _kappa(predicted, refusal), float(low), float(high), float((predicted == refusal).mean()), len(predicted)
    )


def _kappa(predicted: Marks, refusal: Marks) -> float:
    first, second = predicted.mean(), refusal.mean()
    chance = first * second + (1 - first) * (1 - second)
    return float(((predicted == refusal).mean() - chance) / (1 - chance)) if chance < 1 else float("nan")


def calibration_table(
    scores: Floats, refusal: Marks, sources: Sequence[str]
) -> tuple[Calibration, list[dict[str, Any]], float]:
    """Calibration of held-out scores, its table, and the expected calibration error.

    For the table and the error, every source is calibrated on the others, so both apply to new sources.

    Returns:
        The calibration on all sources, a table of mean probability and share of refusals per decile, and the error.
    """
    names = np.asarray(list(sources))
    probabilities = np.empty(len(scores))
    for name in np.unique(names):
        rest = names != name
        found = calibrate(scores[rest], refusal[rest], names[rest])
        probabilities[~rest] = found.probability(scores[~rest].astype(np.float32))
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    table = [
        {
            "from": round(place / BINS, 1),
            "responses": int((bins == place).sum()),
            "probability": round(float(probabilities[bins == place].mean()), 3),
            "refusals": round(float(refusal[bins == place].mean()), 3),
        }
        for place in range(BINS)
        if (bins == place).any()
    ]
    error = sum(row["responses"] * abs(row["probability"] - row["refusals"]) for row in table) / len(scores)
    return calibrate(scores, refusal, names), table, float(error)


def rows_of(examples: Sequence[LabeledResponse], scores: Array, phrase: Marks, refusal: Marks) -> list[list[str]]:
    """Table of κ by source: the phrase list, the states and words without it, and both."""
    from steadfast.training.refusal_judge.fitting import PHRASE_WEIGHT

    source = np.asarray([example.source for example in examples])
    harmful = np.asarray([example.harmful for example in examples])
    alone = scores - PHRASE_WEIGHT * (phrase - np.float32(0.5))
    judges = {"phrase list": phrase, "states and words": alone > 0, "learned judge (both)": scores > 0}
    rows = []
    for name in SOURCES:
        for judge, predicted in judges.items():
            there = source == name
            every, harm = (agreement(predicted[rows], refusal[rows]) for rows in (there, there & harmful))
            rows.append(
                [name, judge, str(every.count), str(every), f"{every.accuracy:.3f}", str(harm.count), str(harm)]
            )
    return rows
