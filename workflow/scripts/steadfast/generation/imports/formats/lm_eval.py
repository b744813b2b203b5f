"""Logs of lm-evaluation-harness with ``--log_samples``: JSONL with ``doc``, ``arguments`` and ``resps``."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.core.text_files import suffix_of
from steadfast.generation.imports.records import ColumnNames, ImportedResponse, optional
from steadfast.prompts.sources.reading.formats import column_names, read_rows

ORDER = 1
MARKS = {"doc", "arguments", "resps"}


def recognizes(path: Path) -> bool:
    """Whether the rows have the harness's keys."""
    try:
        return suffix_of(path) in (".jsonl", ".json") and set(column_names(path)) >= MARKS
    except DataError:
        return False


def read(path: Path, columns: ColumnNames) -> list[ImportedResponse]:
    """The responses in a log of samples; one record per response of a document.

    The prompt is the configured column (``doc.question``), otherwise any text of the document or the model's input.

    Raises:
        DataError: it cannot be read, or a row has no response.
    """
    return [record for row in read_rows(path, MARKS) for record in _records(row.cells, f"{path}, {row.place}", columns)]


def _records(row: Mapping[str, Any], place: str, columns: ColumnNames) -> Iterator[ImportedResponse]:
    responses = list(_texts(row["resps"]))
    if not responses:
        raise DataError(f"{place}: `resps` holds no text; log-likelihoods are no responses")
    named = optional(row, columns.prompt)
    doc = row["doc"]
    in_doc = [value for value in doc.values() if isinstance(value, str)] if isinstance(doc, Mapping) else []
    prompts = (named,) if named else (*in_doc, *_given(row["arguments"]))
    for sample, response in enumerate(responses):
        yield ImportedResponse(
            place=place,
            prompts=prompts,
            response=response,
            prompt_id=optional(row, columns.prompt_id),
            sample=sample,
            variant=optional(row, columns.variant),
            verdict=optional(row, columns.verdict),
            cells=row,
        )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _given(arguments: Any) -> Iterator[str]:
    """The model's input: the first argument of each request, with the turns of a conversation as separate texts."""
    requests = arguments.values() if isinstance(arguments, Mapping) else arguments
    for request in requests or ():
        first = request.get("arg_0") if isinstance(request, Mapping) else request[0] if request else None
        if isinstance(first, str):
            yield first
            yield from _turns(first)


def _turns(text: str) -> Iterator[str]:
    try:
        messages = json.loads(text) if text.startswith("[") else []
    except ValueError:
        return
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, Mapping) and message.get("role") == "user" and isinstance(message.get("content"), str):
            yield message["content"]
