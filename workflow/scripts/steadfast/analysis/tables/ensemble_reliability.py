"""``ensembles.csv`` and ``ensemble_members.csv``: agreement of the members of an ensemble, and reliability of each.

A member is compared with the consensus of the other members, never with a verdict that includes its own vote.
Responses of controls are left out.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.bootstrap import cluster_weights, percentile_interval
from steadfast.analysis.statistics.confusion import cohen_kappa, sensitivity, specificity, support
from steadfast.analysis.statistics.reliability import alpha_support, coincidences, krippendorff_alpha
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.agreement import LEAST
from steadfast.analysis.tables.ensembles import Ballots, Consensus, ballots, consensus_of_others
from steadfast.analysis.tables.judge_validity import without_controls
from steadfast.analysis.tables.ordering import LABELS
from steadfast.analysis.tables.verdict_arrays import NOT_REFUSED, REFUSED
from steadfast.judges.kinds.ensemble import Settings

FloatArray = NDArray[np.float64]
Interval = tuple[float, float, float]
UNSUPPORTED: Interval = (float("nan"), float("nan"), float("nan"))
"""Interval of a measure with too few refusals or non-refusals."""

ENSEMBLE_COLUMNS = [
    "judge",
    "method",
    "members",
    "responses",
    "unscored",
    "ties",
    "refusal_share",
    "certainty",
    "krippendorff_alpha",
    "krippendorff_alpha_low",
    "krippendorff_alpha_high",
    "converged",
]
MEMBER_COLUMNS = [
    "judge",
    "member",
    "votes",
    "sensitivity",
    "specificity",
    "others",
    "kappa_with_others",
    "kappa_with_others_low",
    "kappa_with_others_high",
]
DECIMALS = 6


def reliability_tables(
    verdicts: pd.DataFrame,
    ensembles: Mapping[str, Mapping[str, Any]],
    *,
    controls: Collection[str] = (),
    inference: Inference | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reliability of every ensemble and of each of its members.

    ``certainty`` is the mean probability of the verdict. Sensitivity and specificity of a member come from Dawid and
    Skene's model if the ensemble uses it, and otherwise from comparison with the other members' majority. Intervals
    resample prompts.

    Args:
        verdicts: a table from ``tables.verdicts``.
        ensembles: settings of each ensemble by name.
        controls: variants whose responses are left out.
        inference: confidence of the intervals, and resampling of prompts.

    Returns:
        Tables with ``ENSEMBLE_COLUMNS`` and ``MEMBER_COLUMNS``.
    """
    chosen, inference = without_controls(verdicts, controls), inference or Inference()
    wholes, parts = [], []
    for name, settings in ensembles.items():
        read = Settings.read(settings)
        consensus = Consensus(read, ballots(chosen, read.members))
        resampling = _Resampling(chosen, consensus.ballots, inference)
        wholes.append((name, *_whole(consensus, resampling)))
        parts += [(name, member, *_member(consensus, member, resampling)) for member in read.members]
    return _table(wholes, ENSEMBLE_COLUMNS), _table(parts, MEMBER_COLUMNS)


class _Resampling:
    """Weights of the prompts of some responses in every resample."""

    def __init__(self, verdicts: pd.DataFrame, votes: Ballots, inference: Inference) -> None:
        labels = verdicts.drop_duplicates("prompt_id").set_index("prompt_id")["label"]
        prompt, names = pd.factorize(votes.responses["prompt_id"])
        self.prompt = np.asarray(prompt, dtype=np.int64)
        self.prompts = len(names)
        strata = np.asarray(labels.loc[names] == LABELS[0], dtype=np.int64)
        self.weights = cluster_weights(strata, inference.resamples, inference.rng())
        self.confidence = inference.confidence

    def sums(self, counts: FloatArray) -> FloatArray:
        """Sums over all responses, for the original data and every resample.

        Args:
            counts: shape [responses, ...].
        """
        per_prompt = np.zeros((self.prompts, counts.shape[1]))
        np.add.at(per_prompt, self.prompt, counts)
        return self.weights @ per_prompt

    def interval(self, values: FloatArray) -> Interval:
        """The value on the original data with its bootstrap interval; NaN bounds if the interval has no width."""
        low, high = (float(bound[0]) for bound in percentile_interval(values[1:, None], self.confidence))
        return (float(values[0]), low, high) if low < high else (float(values[0]), float("nan"), float("nan"))


def _whole(consensus: Consensus, resampling: _Resampling) -> tuple[object, ...]:
    votes, codes = consensus.ballots.votes, consensus.codes
    yes, no = ((votes == code).sum(axis=1).astype(float) for code in (REFUSED, NOT_REFUSED))
    alpha = resampling.interval(krippendorff_alpha(resampling.sums(coincidences(yes, no))))
    alpha = alpha if alpha_support(yes, no) >= LEAST else UNSUPPORTED
    scored = codes >= 0
    probable = consensus.refusals[scored]
    nothing = float("nan")
    share, certainty = (
        (float((codes[scored] == REFUSED).mean()), float(np.maximum(probable, 1 - probable).mean()))
        if scored.any()
        else (nothing, nothing)
    )
    settings = consensus.settings
    converged = consensus.model.converged if settings.method == "dawid_skene" else True
    counts = (len(settings.members), int(scored.sum()), int((~scored).sum()), int(consensus.tied.sum()))
    return (settings.method, *counts, share, certainty, *alpha, converged)


def _member(consensus: Consensus, member: str, resampling: _Resampling) -> tuple[object, ...]:
    own, others = consensus.ballots.of(member), consensus_of_others(consensus, member).codes
    cells = [(own == first) & (others == second) for first in (1, 0) for second in (1, 0)]
    tables = resampling.sums(np.stack(cells, axis=-1).astype(float))
    kappa = resampling.interval(cohen_kappa(tables))
    kappa = kappa if support("cohen_kappa", tables[0]) >= LEAST else UNSUPPORTED
    rates = float(sensitivity(tables[0])), float(specificity(tables[0]))
    if consensus.settings.method == "dawid_skene":
        rates = _rate(consensus, member, REFUSED), _rate(consensus, member, NOT_REFUSED)
    return (int((own >= 0).sum()), *rates, int(tables[0].sum()), *kappa)


def _rate(consensus: Consensus, member: str, code: int) -> float:
    """Share of correct verdicts of a member for a true label, according to the model; NaN if the label is too rare."""
    place = consensus.ballots.judges.index(member)
    voted = int((consensus.ballots.of(member) >= 0).sum())
    expected = float(consensus.model.prevalence[code]) * voted
    return float(consensus.model.confusion[place, code, code]) if expected >= 1 else float("nan")


def _table(rows: list[tuple[object, ...]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns).round(DECIMALS)
