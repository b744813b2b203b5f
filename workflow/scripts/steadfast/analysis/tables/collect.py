"""``verdicts.parquet``: all judgments of all model–variant pairs by all judges, in tidy format."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from steadfast.analysis.tables.ordering import sort_by_appearance
from steadfast.core.errors import DataError
from steadfast.core.files import read_table, require_columns
from steadfast.core.names import VERDICTS
from steadfast.judges.interface import KEYS

CELL = ["model", "variant", "judge"]
COLUMNS = ["model", "variant", "judge", "prompt_id", "sample", "label", "category", "human", "verdict", "score"]
PROMPT_COLUMNS = ["prompt_id", "label", "category", "human"]


def collect_verdicts(cells: Iterable[tuple[str, str, str, str | Path]], prompts: pd.DataFrame) -> pd.DataFrame:
    """Join the judgments of all cells to the prompt table.

    Args:
        cells: judge, model, variant and judgments file of every cell, in the order of the tables.
        prompts: the prompt table.

    Returns:
        One row per judge, variant, prompt and sample, with ``COLUMNS``; models, variants and judges in the order
        of their first appearance, prompts in the order of the prompt table.

    Raises:
        DataError: there are no cells, columns are missing, a prompt or verdict is unknown, or a response is judged
            twice.
    """
    known = require_columns(prompts, PROMPT_COLUMNS, "prompts")[PROMPT_COLUMNS].reset_index(drop=True)
    known = known.assign(rank=range(len(known)))
    parts = [_read_cell(judge, model, variant, path, known) for judge, model, variant, path in cells]
    if not parts:
        raise DataError("no judgments to collect: the grid has no model, no variant or no judge")
    table = sort_by_appearance(pd.concat(parts, ignore_index=True), CELL)[COLUMNS]
    return table.astype({"sample": "int64", "human": "bool", "score": "float64", "category": "str", "label": "str"})


def _read_cell(judge: str, model: str, variant: str, path: str | Path, known: pd.DataFrame) -> pd.DataFrame:
    judgments = require_columns(read_table(path), [*KEYS, "verdict", "score"], path)[[*KEYS, "verdict", "score"]]
    wrong = sorted(set(judgments["verdict"].tolist()) - set(VERDICTS))
    if wrong:
        raise DataError(f"{path}: verdict {wrong[0]!r} is none of {', '.join(VERDICTS)}")
    doubles = judgments.loc[judgments.duplicated(KEYS), "prompt_id"]
    if len(doubles):
        raise DataError(f"{path}: prompt {doubles.iloc[0]} is judged twice for the same sample")
    unknown = sorted(set(judgments["prompt_id"].tolist()) - set(known["prompt_id"].tolist()))
    if unknown:
        raise DataError(f"{path}: {len(unknown)} unknown prompt(s), for example {unknown[0]}")
    cell = judgments.merge(known, on="prompt_id").sort_values(["rank", "sample"], kind="stable")
    return cell.assign(model=model, variant=variant, judge=judge)
