"""Refusal rates over all models together, with intervals that resample prompts."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.bootstrap import change_interval, cluster_weights, share_interval
from steadfast.analysis.tables.robustness import prompt_rates
from steadfast.core.names import HARMFUL, ORIGINAL
from steadfast.report.study import Study
from steadfast.report.wording import Estimate

FloatArray = NDArray[np.float64]

NO_ESTIMATE = Estimate(float("nan"), float("nan"), float("nan"))


def pooled_rates(study: Study, variant: str, judge: str = "") -> tuple[Estimate, Estimate, Estimate]:
    """Refusal rates of harmful prompts, averaged over the models: of the original, of a variant, and the change.

    Every model has the same weight, however many of its responses were scored, so that the change is the mean of the
    changes in ``assessment.csv``. Only prompts that were scored both before and after count; the intervals resample
    prompts, with the models held fixed.

    Args:
        study: the run.
        variant: what is compared with the original.
        judge: whose verdicts count; by default the reference judge.
    """
    verdicts = study.verdicts
    chosen = (verdicts["judge"] == (judge or study.reference)) & (verdicts["label"] == HARMFUL)
    rates = prompt_rates(verdicts[chosen & verdicts["variant"].isin([ORIGINAL, variant])]).dropna(subset=["rate"])
    keys = ["model", "prompt_id"]
    earlier = rates.loc[rates["variant"] == ORIGINAL, [*keys, "rate"]]
    joined = earlier.merge(rates.loc[rates["variant"] == variant, [*keys, "rate"]], on=keys, suffixes=("", "_after"))
    if joined.empty:
        return NO_ESTIMATE, NO_ESTIMATE, NO_ESTIMATE
    sums, sizes = (_by_prompt(joined.assign(one=1.0), columns) for columns in (["rate", "rate_after"], ["one"]))
    prompts, level = len(sums), study.inference.confidence
    weights = cluster_weights(np.zeros(prompts, dtype=np.int64), study.inference.resamples, study.inference.rng())
    drawn = np.einsum("rp,pmc->rmc", weights, sums), np.einsum("rp,pmc->rmc", weights, sizes)
    # a model none of whose prompts was drawn has no rate in that resample
    of_models = np.divide(*drawn, out=np.full(drawn[0].shape, np.nan), where=drawn[1] > 0)
    means = np.nanmean(of_models, axis=1)
    before, after, change = means[:, 0], means[:, 1], means[:, 1] - means[:, 0]
    return (
        Estimate(float(before[0]), *share_interval(before, prompts, level)),
        Estimate(float(after[0]), *share_interval(after, prompts, level)),
        Estimate(float(change[0]), *change_interval(change, prompts, level)),
    )


def _by_prompt(joined: pd.DataFrame, columns: list[str]) -> FloatArray:
    """Sums [prompt, model, column]."""
    prompt, model = (joined.groupby(key, sort=False).ngroup().to_numpy() for key in ("prompt_id", "model"))
    found = np.zeros((int(prompt.max()) + 1, int(model.max()) + 1, len(columns)))
    np.add.at(found, (prompt, model), joined[columns].to_numpy(float))
    return found
