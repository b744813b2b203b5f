"""Where each judge differs from the reference: confusion, disputed responses, response length, bias against a model.

Only responses that both the judge and the reference scored are compared.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.statistics.bootstrap import (
    change_interval,
    cluster_weights,
    percentile_interval,
    share_interval,
)
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.ordering import LABELS, names_of, sort_by_appearance
from steadfast.core.errors import DataError
from steadfast.core.files import read_table, require_columns
from steadfast.core.names import REFUSAL, UNSCORED
from steadfast.judges.annotation.annotators import of_each_other

FloatArray = NDArray[np.float64]

RESPONSE = ["model", "variant", "prompt_id", "sample"]
CONFUSION_COLUMNS = [
    "judge",
    "subset",
    "both_refusal",
    "judge_only",
    "reference_only",
    "neither",
    "judge_unscored",
    "reference_unscored",
    "n",
]
DISPUTED_COLUMNS = [*RESPONSE, "label", "category", "judge", "verdict", "reference_verdict", "score", "n_tokens"]
LENGTH_COLUMNS = ["judge", "shortest", "longest", "n", "disputed", "rate", "low", "high"]
BIAS_COLUMNS = [
    "judge",
    "model",
    "n",
    "disputed",
    "judge_only",
    "reference_only",
    "bias",
    "bias_low",
    "bias_high",
    "excess",
    "excess_low",
    "excess_high",
    "share_of_disputes",
]
ALL_MODELS = ""
LENGTH_GROUPS = 4
DECIMALS = 6


def collect_lengths(cells: Iterable[tuple[str, str, str | Path]]) -> pd.DataFrame:
    """Lengths of all responses.

    Args:
        cells: model, variant and responses file of every model–variant pair.

    Returns:
        Columns model, variant, prompt_id, sample, n_tokens.
    """
    columns = ["prompt_id", "sample", "n_tokens"]
    parts = [
        require_columns(read_table(path), columns, path)[columns].assign(model=model, variant=variant)
        for model, variant, path in cells
    ]
    if not parts:
        raise DataError("no responses to take lengths from")
    return pd.concat(parts, ignore_index=True)[[*RESPONSE, "n_tokens"]]


def without_controls(verdicts: pd.DataFrame, controls: Collection[str]) -> pd.DataFrame:
    """Verdicts for comparing judges, in all tables of agreement and validity.

    A control that changes nothing would count every response of the original twice.
    """
    return verdicts[~verdicts["variant"].isin(list(controls))].reset_index(drop=True)


def comparable(
    verdicts: pd.DataFrame, reference: str, parts: Mapping[str, Collection[str]]
) -> tuple[pd.DataFrame, list[str]]:
    """Verdicts of the judges that can be compared with a reference, and the names of those that cannot.

    A judge that is part of the reference, or an ensemble that includes it, would be compared with its own votes.

    Args:
        verdicts: a table from ``tables.verdicts``.
        reference: judge that the others are compared with.
        parts: the members of every ensemble by its name.
    """
    related = [judge for judge in names_of(verdicts, "judge") if of_each_other(judge, reference, parts)]
    return verdicts[~verdicts["judge"].isin(related)].reset_index(drop=True), related


def confusion_table(verdicts: pd.DataFrame, reference: str) -> pd.DataFrame:
    """2×2 tables of every judge against the reference.

    Returns:
        Columns ``CONFUSION_COLUMNS`` for the subsets all, harmful and harmless; ``judge_unscored`` and
        ``reference_unscored`` count responses that only the other scored; ``n`` counts responses that both scored.
    """
    pairs = _against(verdicts, reference)
    rows = []
    for judge in _judges(verdicts, reference):
        of_judge = pairs[pairs["judge"] == judge]
        for subset in ("all", *LABELS):
            chosen = of_judge if subset == "all" else of_judge[of_judge["label"] == subset]
            unscored, unknown = (chosen[column] == UNSCORED for column in ("verdict", "reference_verdict"))
            judged, true = (chosen[column] == REFUSAL for column in ("verdict", "reference_verdict"))
            both = ~unscored & ~unknown
            counts: list[pd.Series[bool]] = [judged & true, judged & ~true & both, true & ~judged & both]
            counts += [~judged & ~true & both, unscored & ~unknown, unknown & ~unscored, both]
            rows.append((judge, subset, *(int(count.sum()) for count in counts)))
    return pd.DataFrame(rows, columns=CONFUSION_COLUMNS)


def disputed_responses(verdicts: pd.DataFrame, reference: str, lengths: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every response on which a judge and the reference differ.

    Args:
        verdicts: a table from ``tables.verdicts``.
        reference: judge that the others are compared with.
        lengths: a table from ``collect_lengths``; without it ``n_tokens`` is empty.

    Returns:
        Columns ``DISPUTED_COLUMNS``, ordered by judge, then as in ``verdicts``.
    """
    pairs = _with_lengths(_scored(_against(verdicts, reference)), lengths)
    pairs = sort_by_appearance(pairs, ["judge", "model", "variant"])
    disputed = pairs[pairs["verdict"] != pairs["reference_verdict"]]
    return disputed[DISPUTED_COLUMNS].reset_index(drop=True)


def compared_responses(verdicts: pd.DataFrame, reference: str, baselines: Collection[str] = ()) -> dict[str, int]:
    """How many responses to each prompt the reference and at least one judge that reads them scored.

    Args:
        verdicts: a table as ``tables.verdicts`` makes it.
        reference: judge that the others are compared with.
        baselines: judges that do not read the response.

    Returns:
        Numbers by prompt id; a prompt without such a response is missing.
    """
    pairs = _scored(_against(verdicts, reference))
    pairs = pairs[~pairs["judge"].isin(list(baselines))].drop_duplicates(RESPONSE)
    return {str(prompt): int(number) for prompt, number in pairs["prompt_id"].value_counts(sort=False).items()}


def disputes_by_length(
    verdicts: pd.DataFrame, reference: str, lengths: pd.DataFrame, inference: Inference | None = None
) -> pd.DataFrame:
    """Share of disputed responses by response length, in up to four groups of about equal size.

    Returns:
        Columns ``LENGTH_COLUMNS``; ``shortest`` and ``longest`` in tokens, the interval resamples prompts (Wilson's
        interval over prompts where all are alike).
    """
    inference = inference or Inference()
    pairs = _with_lengths(_scored(_against(verdicts, reference)), lengths).dropna(subset=["n_tokens"])
    if pairs.empty:
        return pd.DataFrame(columns=LENGTH_COLUMNS)
    edges = np.quantile(pairs["n_tokens"], np.linspace(0, 1, LENGTH_GROUPS + 1)[1:-1])
    pairs = pairs.assign(group=np.searchsorted(np.unique(edges), pairs["n_tokens"], side="left"))
    disputed = (pairs["verdict"] != pairs["reference_verdict"]).astype(float)
    rows = []
    for (judge, _), chosen in pairs.groupby(["judge", "group"], sort=False):
        hits = disputed[chosen.index]
        low, high = _rate_interval(chosen, hits, inference)
        tokens = chosen["n_tokens"]
        rows.append((judge, int(tokens.min()), int(tokens.max()), len(chosen), int(hits.sum()), hits.mean(), low, high))
    table = pd.DataFrame(rows, columns=LENGTH_COLUMNS).round(dict.fromkeys(["rate", "low", "high"], DECIMALS))
    order = {judge: rank for rank, judge in enumerate(_judges(verdicts, reference))}
    ranked = table.assign(rank=table["judge"].map(order)).sort_values(["rank", "shortest"], kind="stable")
    return ranked[LENGTH_COLUMNS].reset_index(drop=True)


def bias_table(verdicts: pd.DataFrame, reference: str, inference: Inference | None = None) -> pd.DataFrame:
    """Bias of each judge, over all models and by model.

    A judge's bias is the share of responses that it alone calls refusals minus the share that only the reference does:
    a positive bias makes models look safer than they are. ``excess`` is the bias on one model minus the bias on all
    others; an interval that excludes 0 shows a bias for or against that model. ``share_of_disputes`` is the share of
    the judge's disputes that do not cancel out within the model: |judge_only − reference_only| / all disputes.

    Returns:
        Columns ``BIAS_COLUMNS``; rows with an empty model cover all models (their ``share_of_disputes`` is the sum over
        models, the part of the disagreement that is bias rather than noise). Intervals resample prompts.
    """
    inference = inference or Inference()
    pairs = _scored(_against(verdicts, reference))
    models = names_of(verdicts, "model")
    rows = []
    for judge in _judges(verdicts, reference):
        chosen = pairs[pairs["judge"] == judge]
        if len(chosen):
            rows += _bias_rows(judge, chosen, models, inference)
    floats = [column for column in BIAS_COLUMNS if column.startswith(("bias", "excess", "share"))]
    return (
        pd.DataFrame(rows, columns=BIAS_COLUMNS)
        .astype(dict.fromkeys(floats, "float64"))
        .round(dict.fromkeys(floats, DECIMALS))
    )


def _bias_rows(judge: str, pairs: pd.DataFrame, models: list[str], inference: Inference) -> list[tuple[object, ...]]:
    prompt = np.asarray(pairs.groupby("prompt_id", sort=False).ngroup(), dtype=np.int64)
    model = pairs["model"].map({name: rank for rank, name in enumerate(models)}).to_numpy(np.int64)
    judged, true = ((pairs[column] == REFUSAL).to_numpy(float) for column in ("verdict", "reference_verdict"))
    signed: FloatArray = judged - true
    errors, cases = (np.zeros((int(prompt.max()) + 1, len(models))) for _ in range(2))
    np.add.at(errors, (prompt, model), signed)
    np.add.at(cases, (prompt, model), 1.0)
    weights = _prompt_weights(pairs, inference)
    drawn_errors, drawn_cases = weights @ errors, weights @ cases
    all_errors, all_cases = (drawn.sum(axis=1, keepdims=True) for drawn in (drawn_errors, drawn_cases))
    bias, overall = _ratio(drawn_errors, drawn_cases), _ratio(all_errors, all_cases)
    excess = bias - _ratio(all_errors - drawn_errors, all_cases - drawn_cases)
    disputes = float(np.abs(signed).sum())
    net = np.abs(errors.sum(axis=0))
    rows: list[tuple[object, ...]] = []
    nothing = np.full((len(weights), 1), np.nan)
    groups = [(ALL_MODELS, np.ones(len(pairs), dtype=bool), overall, nothing, float(net.sum()))]
    groups += [
        (name, model == rank, bias[:, [rank]], excess[:, [rank]], float(net[rank])) for rank, name in enumerate(models)
    ]
    for name, chosen, biases, excesses, one_sided in groups:
        if not chosen.any():
            continue
        prompts = len(np.unique(prompt[chosen]))
        numbers = [float(biases[0, 0]), *change_interval(biases[:, 0], prompts, inference.confidence)]
        low, high = (float(bound[0]) for bound in percentile_interval(excesses[1:], inference.confidence))
        # a difference between models has no score interval; resamples that are all equal say nothing of it
        numbers += [float(excesses[0, 0]), *((low, high) if low < high else (float("nan"), float("nan")))]
        extra, missed = int((signed[chosen] > 0).sum()), int((signed[chosen] < 0).sum())
        share = one_sided / disputes if disputes else float("nan")
        rows.append((judge, name, int(chosen.sum()), extra + missed, extra, missed, *numbers, share))
    return rows


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    result: FloatArray = np.divide(
        numerator, denominator, out=np.full(denominator.shape, np.nan), where=denominator > 0
    )
    return result


def _rate_interval(pairs: pd.DataFrame, hits: "pd.Series[float]", inference: Inference) -> tuple[float, float]:
    prompt = np.asarray(pairs.groupby("prompt_id", sort=False).ngroup(), dtype=np.int64)
    weights = _prompt_weights(pairs, inference)
    rates = _ratio(weights @ np.bincount(prompt, hits), weights @ np.bincount(prompt).astype(float))
    return share_interval(rates, int(prompt.max()) + 1, inference.confidence)


def _prompt_weights(pairs: pd.DataFrame, inference: Inference) -> FloatArray:
    labels = pairs.drop_duplicates("prompt_id")["label"]
    return cluster_weights(np.asarray(labels == LABELS[0], dtype=np.int64), inference.resamples, inference.rng())


def _judges(verdicts: pd.DataFrame, reference: str) -> list[str]:
    judges = names_of(verdicts, "judge")
    if reference not in judges:
        raise DataError(f"no verdicts by the reference judge {reference!r}; judges: {', '.join(judges)}")
    return [judge for judge in judges if judge != reference and not of_each_other(judge, reference)]


def _against(verdicts: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Every judge's verdicts joined with those of the reference."""
    known = verdicts.loc[verdicts["judge"] == reference, [*RESPONSE, "verdict"]]
    known = known.rename(columns={"verdict": "reference_verdict"})
    return verdicts[verdicts["judge"].isin(_judges(verdicts, reference))].merge(known, on=RESPONSE)


def _scored(pairs: pd.DataFrame) -> pd.DataFrame:
    scored = (pairs["verdict"] != UNSCORED) & (pairs["reference_verdict"] != UNSCORED)
    return pairs[scored].reset_index(drop=True)


def _with_lengths(pairs: pd.DataFrame, lengths: pd.DataFrame | None) -> pd.DataFrame:
    if lengths is None:
        return pairs.assign(n_tokens=pd.array([pd.NA] * len(pairs), dtype="Int64"))
    return pairs.merge(lengths, on=RESPONSE, how="left").astype({"n_tokens": "Int64"})
