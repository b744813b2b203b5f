"""Selection of responses to label: a subset of prompts for every model–variant pair, or a stratified random sample."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd

from steadfast.core.errors import ConfigError, DataError
from steadfast.core.files import require_columns
from steadfast.core.names import UNSCORED
from steadfast.judges.interface import KEYS

Mode = Literal["human_subset", "sampled"]
RESPONSE = ["model", "variant", *KEYS]


def select(
    items: pd.DataFrame,
    prompts: pd.DataFrame,
    *,
    mode: Mode,
    size: int,
    samples: int | None,
    seed: int,
    judgments: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Choose the responses to label.

    Args:
        items: all responses, from `collect_items`.
        prompts: the prompt table; ``human_subset`` needs its column ``human``.
        mode: ``human_subset`` takes every model–variant pair's responses to the prompts marked ``human``; ``sampled``
            samples ``size`` responses, spread as evenly as possible over model, variant, prompt label and judge
            disagreement.
        size: number of responses to sample.
        samples: number of eligible samples per prompt and model–variant pair, lowest numbers first; None takes all.
        seed: seed of the sampling.
        judgments: verdicts of the judges whose disagreement defines strata; without them, disagreement is ignored.

    Returns:
        ``items`` with the columns ``selected`` (bool), ``stratum`` (empty if not eligible) and ``weight`` (number of
        responses that a selected one represents; NaN if not selected).

    Raises:
        ConfigError: the mode is unknown, or ``size`` is below 1.
        DataError: no prompt is marked ``human``.
    """
    eligible = items[_rank_of_sample(items) <= (samples or np.inf)]
    if mode == "human_subset":
        chosen = _human_subset(eligible, prompts)
    elif mode == "sampled":
        chosen = _stratified(eligible, size=size, seed=seed, judgments=judgments)
    else:
        raise ConfigError(f"annotation.mode: {mode!r} is unknown; allowed: {', '.join(get_args(Mode))}")
    weight = chosen["weight"].reindex(items.index)
    stratum = chosen["stratum"].reindex(items.index, fill_value="")
    return items.assign(selected=weight.notna(), stratum=stratum, weight=weight)


def _rank_of_sample(items: pd.DataFrame) -> "pd.Series[float]":
    return items.groupby(["model", "variant", "prompt_id"])["sample"].rank(method="dense")


def _human_subset(eligible: pd.DataFrame, prompts: pd.DataFrame) -> pd.DataFrame:
    marked = require_columns(prompts, ["prompt_id", "human"], "prompts")
    subset = set(marked.loc[marked["human"].astype(bool), "prompt_id"])
    selected = eligible["prompt_id"].isin(subset)
    if not selected.any():
        raise DataError("annotation: no prompt is marked for human labels; set `prompts.human` above 0")
    return eligible.assign(stratum="human_subset", weight=np.where(selected, 1.0, np.nan))


def _stratified(eligible: pd.DataFrame, *, size: int, seed: int, judgments: pd.DataFrame | None) -> pd.DataFrame:
    if size < 1:
        raise ConfigError(f"annotation.size: {size} is not a number of responses; give at least 1")
    strata = _strata(eligible, judgments)
    generator = np.random.default_rng(seed)
    members = [rows for _, rows in sorted(strata.groupby(strata).indices.items())]
    shares = allocate([len(rows) for rows in members], size, generator)
    weight = np.full(len(eligible), np.nan)
    for rows, share in zip(members, shares, strict=True):
        if share:
            weight[generator.choice(rows, size=share, replace=False)] = len(rows) / share
    return eligible.assign(stratum=strata, weight=weight)


def _strata(items: pd.DataFrame, judgments: pd.DataFrame | None) -> pd.Series:
    strata = items["model"] + "|" + items["variant"] + "|" + items["label"]
    if judgments is None or judgments.empty:
        return strata
    disputed = pd.MultiIndex.from_frame(items[RESPONSE]).isin(disputed_responses(judgments))
    return strata + np.where(disputed, "|disputed", "|undisputed")


def disputed_responses(judgments: pd.DataFrame) -> pd.MultiIndex:
    """Responses (model, variant, prompt_id, sample) on which judges disagree; unscored verdicts are ignored."""
    scored = judgments[judgments["verdict"] != UNSCORED]
    opinions = scored.groupby(RESPONSE)["verdict"].nunique()
    disputed = opinions[opinions > 1].index
    return pd.MultiIndex.from_tuples(list(disputed), names=RESPONSE)


def allocate(sizes: Sequence[int], total: int, generator: np.random.Generator) -> list[int]:
    """Spread ``total`` draws over strata of the given sizes, as evenly as the sizes allow.

    A remainder goes to randomly drawn strata. The result is at most the sum of ``sizes``.
    """
    taken = [0] * len(sizes)
    remaining = min(total, sum(sizes))
    while remaining:
        open_strata = [index for index, size in enumerate(sizes) if taken[index] < size]
        share = remaining // len(open_strata)
        if share == 0:
            for index in generator.choice(open_strata, size=remaining, replace=False):
                taken[index] += 1
            break
        for index in open_strata:
            added = min(share, sizes[index] - taken[index])
            taken[index] += added
            remaining -= added
    return taken
