"""The study's own tables of labeled responses: one row per response and annotator."""

from pathlib import Path

from steadfast.core.errors import DataError
from steadfast.core.text_files import suffix_of
from steadfast.generation.imports.records import ColumnNames, ImportedResponse, optional
from steadfast.prompts.sources.reading.formats import column_names, read_rows

ORDER = 2
MARKS = {"qid", "question", "model", "response", "is_refusal"}
ABLITERATED = "-abliterated"
ORIGINAL = "original"


def recognizes(path: Path) -> bool:
    """Whether a file has the columns of the study's tables."""
    try:
        return suffix_of(path) == ".csv" and set(column_names(path)) >= MARKS
    except DataError:
        return False


def read(path: Path, columns: ColumnNames) -> list[ImportedResponse]:
    """The responses of a table; the variant follows from the model's name, with or without the suffix ``-abliterated``.

    If a response repeats its prompt, the prompt is removed.

    Raises:
        DataError: it cannot be read.
    """
    wanted = [name for name in (columns.variant, columns.verdict, columns.prompt_id) if name]
    return [
        ImportedResponse(
            place=f"{path}, {row.place}",
            prompts=(optional(row.cells, columns.prompt or "question"),),
            response=_answer(optional(row.cells, columns.response or "response"), optional(row.cells, "question")),
            prompt_id=optional(row.cells, columns.prompt_id),
            variant=optional(row.cells, columns.variant) or _variant(optional(row.cells, "model")),
            verdict=optional(row.cells, columns.verdict or "is_refusal"),
            cells=row.cells,
        )
        for row in read_rows(path, [*column_names(path), *wanted])
    ]


def _variant(model: str) -> str:
    return ABLITERATED.removeprefix("-") if model.rstrip("/").endswith(ABLITERATED) else ORIGINAL


def _answer(response: str, question: str) -> str:
    """The response without a leading copy of the prompt."""
    return response.removeprefix(question).lstrip() if question else response
