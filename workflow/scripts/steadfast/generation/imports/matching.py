"""Responses of other tools → the response table of one model–variant pair."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from steadfast.core.errors import DataError
from steadfast.generation.degeneration import is_degenerate
from steadfast.generation.imports.records import ImportedResponse
from steadfast.generation.thinking import FORMATS, ThinkingFormat, split_thinking
from steadfast.prompts.text import normalized_key

COLUMNS = ["prompt_id", "sample", "response", "n_tokens", "finish_reason", "degenerate", "thinking"]
FURTHER = ["unfinished_thinking", "control_tokens"]
MOST_EXAMPLES = 3
# number of tokens if it is unknown
UNCOUNTED = -1


@dataclass(frozen=True)
class Matched:
    """The responses of a pair, matched to the prompts.

    Attributes:
        table: columns as those of generated responses; ``n_tokens`` is -1, since it is unknown.
        notes: messages about skipped rows.
    """

    table: pd.DataFrame
    notes: list[str]


def match_responses(
    records: Sequence[ImportedResponse],
    prompts: pd.DataFrame,
    variant: str,
    *,
    formats: Sequence[ThinkingFormat] = FORMATS,
) -> Matched:
    """Match the responses of a variant to the prompts, by id or by text.

    Args:
        records: responses of a file; those of other variants are skipped.
        prompts: the prompts to match, with ``prompt_id`` and ``text``.
        variant: the variant; records without a variant are assumed to belong to it.
        formats: thinking formats; thinking is removed from the responses.

    Raises:
        DataError: no response matches a prompt, or two responses are the same sample of one prompt.
    """
    own = [record for record in records if record.variant in ("", variant)]
    if not own:
        known = ", ".join(sorted({record.variant for record in records}))
        raise DataError(f"no response is of the variant {variant!r}; there are {known}")
    find = _Finder(prompts)
    found = [(find(record), record) for record in own]
    matched = [(prompt_id, record) for prompt_id, record in found if prompt_id]
    if not matched:
        shown = ", ".join(repr(text[:60]) for record in own[:MOST_EXAMPLES] for text in record.prompts[:1])
        raise DataError(f"none of the {len(own)} responses is to a prompt of this grid; the first prompts are {shown}")
    rows = [_row(prompt_id, sample, record, formats) for (prompt_id, record), sample in _samples(matched)]
    table = pd.DataFrame(rows, columns=[*COLUMNS, *FURTHER])
    order = {prompt_id: number for number, prompt_id in enumerate(prompts["prompt_id"])}
    table = table.sort_values(["prompt_id", "sample"], key=lambda column: column.map(order).fillna(column))
    kinds = {"sample": "int64", "n_tokens": "int64", "degenerate": "bool", "unfinished_thinking": "bool"}
    return Matched(table.reset_index(drop=True).astype(kinds), _notes(found, prompts, table))


class _Finder:
    """Looks up prompts by id and by text."""

    def __init__(self, prompts: pd.DataFrame) -> None:
        self._ids = set(map(str, prompts["prompt_id"]))
        self._by_text = {
            normalized_key(str(text)): str(prompt_id)
            for prompt_id, text in zip(prompts["prompt_id"], prompts["text"], strict=True)
        }

    def __call__(self, record: ImportedResponse) -> str:
        """The id of a record's prompt; empty if the prompt is unknown."""
        if record.prompt_id in self._ids:
            return record.prompt_id
        keys: Iterable[str] = map(normalized_key, record.prompts)
        return next((self._by_text[key] for key in keys if key in self._by_text), "")


def _samples(matched: Sequence[tuple[str, ImportedResponse]]) -> list[tuple[tuple[str, ImportedResponse], int]]:
    """Responses with their sample numbers."""
    seen: Counter[str] = Counter()
    numbered = []
    for prompt_id, record in matched:
        numbered.append(((prompt_id, record), seen[prompt_id] if record.sample is None else record.sample))
        seen[prompt_id] += 1
    twice = [key for key, count in Counter((prompt_id, n) for (prompt_id, _), n in numbered).items() if count > 1]
    if twice:
        places = [record.place for (prompt_id, record), n in numbered if (prompt_id, n) == twice[0]]
        raise DataError(
            f"{' and '.join(places[:2])} are the same sample of one prompt; select the rows of one model with `where`"
        )
    return numbered


def _row(prompt_id: str, sample: int, record: ImportedResponse, formats: Sequence[ThinkingFormat]) -> dict[str, object]:
    split = split_thinking(record.response, formats)
    return {
        "prompt_id": prompt_id,
        "sample": sample,
        "response": split.response,
        "n_tokens": UNCOUNTED,
        "finish_reason": record.finish_reason or "unknown",
        "degenerate": is_degenerate(split.response),
        "thinking": split.thinking,
        "unfinished_thinking": not split.closed,
        "control_tokens": "",
    }


def _notes(found: Sequence[tuple[str, ImportedResponse]], prompts: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    others = sum(not prompt_id for prompt_id, _ in found)
    missing = len(prompts) - table["prompt_id"].nunique()
    notes = [f"{len(table)} responses to {table['prompt_id'].nunique()} of {len(prompts)} prompts"]
    if others:
        notes.append(f"{others} responses are to other prompts, and were left out")
    if missing:
        notes.append(f"warning: {missing} prompts have no response; they are missing in every table")
    return notes
