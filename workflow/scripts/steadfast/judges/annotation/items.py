"""Items to label: distinct responses to a prompt, with ids that do not reveal the model."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from steadfast.core.errors import DataError
from steadfast.core.files import read_table, require_columns
from steadfast.judges.interface import KEYS, cases_of

ITEM_COLUMNS = ["item_id", "model", "variant", *KEYS, "label", "prompt", "response"]
DIGITS = 16


class AnnotatedVariant(NamedTuple):
    """One model under test."""

    model: str
    variant: str


def pair_of(path: str | Path) -> AnnotatedVariant:
    """ModelVariant of a file ``.../{model}/{variant}.parquet``."""
    return AnnotatedVariant(Path(path).parent.name, Path(path).stem)


def read_responses(paths: Iterable[str | Path]) -> dict[AnnotatedVariant, pd.DataFrame]:
    """Read ``results/responses/{model}/{variant}.parquet`` files."""
    return {pair_of(path): read_table(path) for path in paths}


def read_judgments(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Read ``results/judgments/{judge}/{model}/{variant}.parquet`` files into one table.

    Returns:
        Columns ``judge``, ``model``, ``variant``, ``prompt_id``, ``sample``, ``verdict``.
    """
    tables = []
    for path in paths:
        model, variant = pair_of(path)
        table = require_columns(read_table(path), [*KEYS, "verdict"], path)[[*KEYS, "verdict"]]
        tables.append(table.assign(judge=Path(path).parent.parent.name, model=model, variant=variant))
    columns = ["judge", "model", "variant", *KEYS, "verdict"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def collect_items(prompts: pd.DataFrame, responses: Mapping[AnnotatedVariant, pd.DataFrame]) -> pd.DataFrame:
    """All responses of all model–variant pairs with their item ids, sorted by model–variant pair, prompt and sample.

    Args:
        prompts: the prompt table.
        responses: per model–variant pair its responses.

    Returns:
        One row per response, with `ITEM_COLUMNS`. Identical responses to one prompt share an id.

    Raises:
        DataError: there are no responses, or a response belongs to an unknown prompt.
    """
    rows = [
        (
            item_id(case.prompt, case.response),
            *pair,
            case.prompt_id,
            case.sample,
            case.label,
            case.prompt,
            case.response,
        )
        for pair, table in responses.items()
        for case in cases_of(table, prompts)
    ]
    if not rows:
        raise DataError("annotation: there are no responses to label")
    items = pd.DataFrame(rows, columns=ITEM_COLUMNS)
    return items.sort_values(["model", "variant", *KEYS], ignore_index=True)


def item_id(prompt: str, response: str) -> str:
    """Opaque id of a response, a function only of what the annotator reads.

    It therefore does not reveal the variant, stays the same when variants or judges are added, and is the same if the
    responses are generated again. It starts with a letter, so that spreadsheets do not read it as a number.
    """
    return f"i{_digest(prompt, response)}"


def item_set_id(item_ids: Iterable[str], definition: str) -> str:
    """Fingerprint of a page: of its set of items and of the definition of the labels."""
    return f"s{_digest(definition, *sorted(set(item_ids)))}"


def _digest(*parts: str) -> str:
    # lengths distinguish ("ab", "c") from ("a", "bc")
    encoded = [part.encode("utf-8") for part in parts]
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in encoded)).hexdigest()[:DIGITS]
