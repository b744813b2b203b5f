"""Refusal rates corrected for the judge's errors, estimated from human labels.

There are two corrections with different assumptions:

* Rogan-Gladen takes a judge's sensitivity and specificity from the human labels of *all* variants, separately for
harmful and harmless prompts, and assumes that they hold for each model–variant pair.
* Prediction-powered inference takes the judge's mean error from the human labels of *one* variant, assumes nothing
about the judge, and has wide intervals if labels are few.

Prompts are the units: an effective sample size found by resampling prompts replaces the number of responses.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.bootstrap import cluster_weights
from steadfast.analysis.statistics.correction import (
    UNDEFINED,
    Estimate,
    Validation,
    prediction_powered_mean,
    rogan_gladen,
    student_interval,
    tuning_weight,
)
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.counts import KEYS
from steadfast.core.names import REFUSAL, UNSCORED

FloatArray = NDArray[np.float64]

RESPONSE = ["model", "variant", "label", "prompt_id", "sample"]
CELL = ["model", "variant", "label"]
ESTIMATES = ("rogan_gladen", "ppi", "ppi_change")
COLUMNS = [*(f"{name}{suffix}" for name in ESTIMATES for suffix in ("", "_low", "_high")), "labeled", "correction"]

FEW_PROMPTS = 20
"""With fewer labeled prompts a corrected rate has a warning: 20 without errors still allow an error rate of 16%."""

PSEUDO_ERRORS = 2.0
"""One error in each direction, added to the variance of the labeled part only."""

NO_LABELS = "no human labels"
NOT_BEYOND = "judged only the human-labeled responses"


def corrected_rates(
    verdicts: pd.DataFrame,
    *,
    truth: str = "human",
    weights: pd.DataFrame | None = None,
    baseline: str = "original",
    inference: Inference | None = None,
) -> pd.DataFrame:
    """Corrected rate of every model, variant, judge and label, and corrected change from the baseline.

    Args:
        verdicts: a table from ``tables.verdicts``.
        truth: the judge treated as the truth.
        weights: how many responses each labeled one represents, if they were not sampled with equal probability:
            columns model, variant, prompt_id, sample, weight. Changes are then empty, since pairs were not sampled
            together.
        baseline: the variant that the others are compared with.
        inference: confidence, and the resampling of prompts that effective sample sizes come from.

    Returns:
        Columns ``KEYS`` and ``COLUMNS``; ``labeled`` is the number of labeled prompts that both scored, and
        ``correction`` says why a value is missing or unreliable.
    """
    inference = inference or Inference()
    scored = verdicts[verdicts["verdict"] != UNSCORED]
    table = pd.DataFrame({key: scored[key] for key in [*RESPONSE, "judge"]})
    table["rate"] = (scored["verdict"] == REFUSAL).astype("float64")
    unequal = weights if weights is not None and weights["weight"].nunique() > 1 else None
    labels = table.loc[table["judge"] == truth, [*RESPONSE, "rate"]].rename(columns={"rate": "truth"})
    if unequal is None:
        labels = labels.assign(weight=1.0)
    else:
        labels = labels.merge(unequal[["model", "variant", "prompt_id", "sample", "weight"]].dropna())
    judged = table[table["judge"] != truth]
    keys = verdicts.loc[verdicts["judge"] != truth, KEYS].drop_duplicates()
    parts = []
    for (judge, label), cells in keys.groupby(["judge", "label"], sort=False):
        verdicts_of_judge = judged[(judged["judge"] == judge) & (judged["label"] == label)]
        pairs = verdicts_of_judge.merge(labels, on=RESPONSE)
        parts.append(_correct_judge(cells, verdicts_of_judge, pairs, baseline if unequal is None else None, inference))
    result = pd.concat(parts, ignore_index=True) if parts else keys.reindex(columns=[*KEYS, *COLUMNS])
    return result.astype({"labeled": "int64", "correction": "str"})


def _correct_judge(
    cells: pd.DataFrame, verdicts: pd.DataFrame, pairs: pd.DataFrame, baseline: str | None, inference: Inference
) -> pd.DataFrame:
    """All cells of one judge and label; without a baseline, changes are empty."""
    if pairs.empty:
        unknown = dict.fromkeys(ESTIMATES, UNDEFINED)
        return pd.DataFrame([_row(key, unknown, 0, [NO_LABELS]) for key in cells[KEYS].itertuples(index=False)])
    everything, known_rates = _by_prompt(verdicts, ["rate"]), _by_prompt(pairs, ["rate", "truth"])
    prompts, labeled = _by_cell(everything), _by_cell(known_rates)
    changes, known_changes = (_by_cell(_changes(table, baseline)) for table in (everything, known_rates))
    beyond = len(verdicts) > len(pairs)
    sensitivity, specificity, problem = _validate(pairs, inference)
    trust = _trust(labeled, prompts)
    rows = []
    for key in cells[KEYS].itertuples(index=False, name=None):
        cell = (key[0], key[1], key[3])
        here, known = prompts.get(cell), labeled.get(cell)
        found = dict.fromkeys(ESTIMATES, UNDEFINED)
        notes = [] if beyond else [NOT_BEYOND]
        if not notes and here is not None:
            notes = [problem] if problem else []
            rates = here["rate"].to_numpy(float)
            found["rogan_gladen"] = rogan_gladen(
                float(rates.mean()), len(rates), sensitivity, specificity, inference.confidence
            )
            if known is None:
                notes.append("no human label for this model–variant pair")
            else:
                found["ppi"] = _powered(here, known, trust, inference.confidence, (0.0, 1.0))
            if cell in known_changes:
                limits = (-1.0, 1.0)
                found["ppi_change"] = _powered(changes[cell], known_changes[cell], trust, inference.confidence, limits)
            if known is not None and len(known) < FEW_PROMPTS:
                notes.append(f"only {len(known)} labeled prompts: says little")
        rows.append(_row(key, found, 0 if known is None else len(known), notes))
    return pd.DataFrame(rows)


def _row(key: tuple[str, ...], found: dict[str, Estimate], labeled: int, notes: list[str]) -> dict[str, object]:
    row: dict[str, object] = dict(zip(KEYS, key, strict=True))
    for name, estimate in found.items():
        row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return row | {"labeled": labeled, "correction": "; ".join(notes)}


def _by_prompt(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """One row per model, variant, label and prompt: means over samples, and the summed weight."""
    grouped = table.groupby([*CELL, "prompt_id"], sort=False, as_index=False)
    means = grouped[columns].mean()
    return means.assign(weight=grouped["weight"].sum()["weight"] if "weight" in table.columns else 1.0)


def _by_cell(table: pd.DataFrame) -> dict[tuple[str, ...], pd.DataFrame]:
    return {tuple(map(str, cell)): rows for cell, rows in table.groupby(CELL, sort=False) if isinstance(cell, tuple)}


def _changes(table: pd.DataFrame, baseline: str | None) -> pd.DataFrame:
    """Change of rates, and of the truth if known, from the baseline on the prompts that both variants have."""
    unit = ["model", "label", "prompt_id"]
    before = table[table["variant"] == baseline].drop(columns=["variant", "weight"])
    joined = table[table["variant"] != baseline].merge(before, on=unit, suffixes=("", "_before"))
    columns = [column for column in ("rate", "truth") if column in table.columns]
    changes = {column: joined[column] - joined[f"{column}_before"] for column in columns}
    return joined[[*CELL, "prompt_id", "weight"]].assign(**changes)


def _powered(
    prompts: pd.DataFrame, labeled: pd.DataFrame, trust: float, confidence: float, limits: tuple[float, float]
) -> Estimate:
    value, error, freedom = prediction_powered_mean(
        prompts["rate"].to_numpy(float),
        labeled["truth"].to_numpy(float),
        labeled["rate"].to_numpy(float),
        weight=trust,
        sampling_weights=labeled["weight"].to_numpy(float),
        pseudo_errors=PSEUDO_ERRORS,
    )
    return student_interval(value, error, freedom, confidence, limits)


def _trust(labeled: dict[tuple[str, ...], pd.DataFrame], prompts: dict[tuple[str, ...], pd.DataFrame]) -> float:
    """λ of one judge and label, from the variation within model–variant pairs; 1 without variation."""
    several = {cell: table for cell, table in labeled.items() if len(table) > 1}
    if not several:
        return 1.0
    truths, rates, weights = [], [], []
    for table in several.values():
        # Bessel's correction: squared deviations from a mean of n values are too small by (n - 1) / n.
        scale = np.sqrt(len(table) / (len(table) - 1))
        truths.append((table["truth"] - table["truth"].mean()).to_numpy(float) * scale)
        rates.append((table["rate"] - table["rate"].mean()).to_numpy(float) * scale)
        weights.append(table["weight"].to_numpy(float))
    judged = np.concatenate(rates)
    if not np.ptp(judged) > 0:
        return 1.0
    share = sum(map(len, several.values())) / sum(len(prompts[cell]) for cell in several)
    return tuning_weight(np.concatenate(truths), judged, share=share, sampling_weights=np.concatenate(weights))


def _validate(pairs: pd.DataFrame, inference: Inference) -> tuple[Validation, Validation, str]:
    """Sensitivity and specificity of one judge on one label, and warnings about them."""
    prompt = np.asarray(pairs.groupby("prompt_id", sort=False).ngroup(), dtype=np.int64)
    weight, rate, truth = (pairs[column].to_numpy(float) for column in ("weight", "rate", "truth"))
    prompts = int(prompt.max(initial=-1)) + 1
    drawn = cluster_weights(np.zeros(prompts, dtype=np.int64), inference.resamples, inference.rng())
    found = []
    for wanted in (1.0, 0.0):
        chosen = truth == wanted
        hits: FloatArray = np.bincount(prompt, weight * chosen * (rate == wanted), minlength=prompts).astype(float)
        cases: FloatArray = np.bincount(prompt, weight * chosen, minlength=prompts).astype(float)
        found.append(_proportion(hits, cases, drawn, float(chosen.sum())))
    sensitivity, specificity = found
    problem = ""
    if sensitivity.size == 0:
        problem = "no refusal among the human labels"
    elif specificity.size == 0:
        problem = "only refusals among the human labels"
    elif not sensitivity.value + specificity.value > 1:
        problem = "the judge is no better than chance against the human labels"
    return sensitivity, specificity, problem


def _proportion(hits: FloatArray, cases: FloatArray, drawn: FloatArray, responses: float) -> Validation:
    """A proportion with its effective size, between the number of prompts and that of responses."""
    prompts = float((cases > 0).sum())
    if prompts == 0:
        return Validation(float("nan"), 0.0)
    totals = drawn @ cases
    values = np.divide(drawn @ hits, totals, out=np.full(len(totals), np.nan), where=totals > 0)
    value = float(values[0])
    variance = float(np.nanvar(values[1:])) if len(values) > 1 else 0.0
    size = value * (1 - value) / variance if variance > 0 else prompts
    return Validation(value, float(np.clip(size, prompts, max(responses, prompts))))
