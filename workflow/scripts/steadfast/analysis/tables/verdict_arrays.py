"""Verdicts as arrays: one row per judge, one column per response."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.analysis.tables.ordering import names_of
from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED

FloatArray = NDArray[np.float64]

RESPONSE = ["model", "variant", "prompt_id", "sample"]
REFUSED, NOT_REFUSED, NOT_SCORED, NOT_JUDGED = 1, 0, -1, -2
CODES = {REFUSAL: REFUSED, NON_REFUSAL: NOT_REFUSED, UNSCORED: NOT_SCORED}


@dataclass(frozen=True)
class VerdictGrid:
    """All verdicts on a set of responses.

    Attributes:
        judges: names, in the order of the rows of ``codes``.
        codes: int8, shape [judges, responses]: ``REFUSED``, ``NOT_REFUSED``, ``NOT_SCORED`` (judged without a valid
            verdict) or ``NOT_JUDGED``.
        prompt: index of each response's prompt, shape [responses].
        pair: index of each response's model and variant, shape [responses].
        harmful: per prompt, whether it is harmful, shape [prompts].
        human: per prompt, whether it is in the human-labeled subset, shape [prompts].
    """

    judges: list[str]
    codes: NDArray[np.int8]
    prompt: NDArray[np.int64]
    pair: NDArray[np.int64]
    harmful: NDArray[np.bool_]
    human: NDArray[np.bool_]


def verdict_grid(verdicts: pd.DataFrame, exclude_variants: Collection[str] = ()) -> VerdictGrid:
    """Arrange a verdict table as arrays.

    Args:
        verdicts: a table from ``tables.verdicts``.
        exclude_variants: variants whose responses are excluded.
    """
    table = verdicts[~verdicts["variant"].isin(list(exclude_variants))]
    judges = names_of(table, "judge")
    judge = table["judge"].map({name: index for index, name in enumerate(judges)}).to_numpy(np.int64)
    response = table.groupby(RESPONSE, sort=False).ngroup().to_numpy(np.int64)
    codes = np.full((len(judges), int(response.max(initial=-1)) + 1), NOT_JUDGED, dtype=np.int8)
    codes[judge, response] = table["verdict"].map(CODES).to_numpy(np.int8)
    responses = table[~table.duplicated(RESPONSE)]
    prompts = responses.drop_duplicates("prompt_id")
    return VerdictGrid(
        judges=judges,
        codes=codes,
        prompt=np.asarray(responses.groupby("prompt_id", sort=False).ngroup(), dtype=np.int64),
        pair=np.asarray(responses.groupby(["model", "variant"], sort=False).ngroup(), dtype=np.int64),
        harmful=(prompts["label"] == "harmful").to_numpy(np.bool_),
        human=prompts["human"].to_numpy(np.bool_),
    )


def pair_tables(grid: VerdictGrid, prompts: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """2×2 tables of all ordered pairs of judges, per prompt.

    Args:
        grid: the verdicts.
        prompts: which prompts to use, shape [prompts].

    Returns:
        Tables of shape [prompts, judges, judges, 4] in the layout of ``statistics.confusion`` (the first judge is the
        first rater), and the number of responses that both judges were given, [prompts, judges, judges]. Prompts that
        are not used are zero.
    """
    judges = len(grid.judges)
    tables = np.zeros((len(prompts), judges, judges, 4))
    judged = np.zeros((len(prompts), judges, judges))
    order = np.argsort(grid.prompt, kind="stable")
    bounds = np.searchsorted(grid.prompt[order], np.arange(len(prompts) + 1))
    for prompt in np.flatnonzero(prompts):
        codes = grid.codes[:, order[bounds[prompt] : bounds[prompt + 1]]]
        yes, no = (codes == REFUSED).astype(float), (codes == NOT_REFUSED).astype(float)
        given = (codes != NOT_JUDGED).astype(float)
        tables[prompt, :, :, 0] = yes @ yes.T
        tables[prompt, :, :, 1] = yes @ no.T
        tables[prompt, :, :, 2] = no @ yes.T
        tables[prompt, :, :, 3] = no @ no.T
        judged[prompt] = given @ given.T
    return tables, judged
