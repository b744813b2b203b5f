"""Control responses: a fixed sample of another model's responses that a model judges in addition to its own.

A model that judges its own responses badly may be a poor judge in general. The same control responses are therefore
given to every variant of a model, so that an edit's effect on the judge is distinguished from its effect on the
responses.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from steadfast.core.names import PROMPT_LABELS
from steadfast.judges.interface import COLUMNS, Case, Verdict, cases_of, verdict_table

CONTROL_COLUMNS = ["model", "variant", *COLUMNS]


class Drawn(NamedTuple):
    """A response of another model under test."""

    model: str
    variant: str
    case: Case


def draw_control(
    source_models: Iterable[tuple[str, str, pd.DataFrame]], prompts: pd.DataFrame, *, size: int, seed: int
) -> list[Drawn]:
    """Sample responses, with equal numbers per source and per prompt label if there are enough.

    Responses are ordered by a hash of seed, prompt and sample, so all sources use the same prompts, and prompts that
    are added later change few of the sampled responses. Empty responses are skipped.

    Args:
        source_models: model, variant and responses of each source model.
        prompts: the prompt table.
        size: number of responses.
        seed: seed of the sampling.
    """
    pools = [
        [Drawn(model, variant, case) for case in cases if case.label == label and not case.unanswered]
        for model, variant, cases in (
            (model, variant, cases_of(table, prompts)) for model, variant, table in source_models
        )
        for label in PROMPT_LABELS
    ]
    # counts that sum to the size and differ by at most one
    bounds = [size * rank // max(len(pools), 1) for rank in range(len(pools) + 1)]
    return [
        drawn
        for pool, (start, stop) in zip(pools, pairwise(bounds), strict=True)
        for drawn in sorted(pool, key=lambda drawn: _ticket(drawn.case, seed))[: stop - start]
    ]


def control_table(drawn: Sequence[Drawn], verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Table of judgments of control responses, columns ``CONTROL_COLUMNS``, including their source."""
    table = verdict_table([item.case for item in drawn], verdicts)
    names = {"model": [item.model for item in drawn], "variant": [item.variant for item in drawn]}
    return table.assign(**names)[CONTROL_COLUMNS].astype({"model": "str", "variant": "str"})


def _ticket(case: Case, seed: int) -> str:
    return hashlib.sha256(f"{seed} {case.prompt_id} {case.sample}".encode()).hexdigest()
