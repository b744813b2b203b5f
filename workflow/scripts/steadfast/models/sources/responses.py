"""Imported responses by variant, without weights. Steps that need the weights skip the model."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from steadfast.core.conditions import Condition
from steadfast.core.names import ORIGINAL
from steadfast.core.path_checks import directory_problem, file_problem
from steadfast.core.settings import AnyPath, Items, Name, SettingsModel, Text, nested, optional
from steadfast.models.settings import ModelSettings
from steadfast.models.sources import Entry, Source

Format = Literal["auto", "inspect", "lm_eval", "study", "table"]


class ResponseColumns(SettingsModel):
    """What the columns of a file are called; a dot leads to a key below, as in `doc.question`."""

    prompt: Text | None = optional(description="The prompt's text; by default `prompt`, `question` and their like.")
    response: Text | None = optional(description="The response; by default `response`, `output` and their like.")
    prompt_id: Text | None = optional(description="The prompt's id in `results/prompts/prompts.parquet`.")
    sample: Text | None = optional(description="Number of the sample for its prompt.")
    variant: Text | None = optional(description="The variant, if a file contains several.")


class Settings(ModelSettings):
    """Existing responses, without the weights."""

    path: AnyPath | None = Field(None, description="File or folder with the responses.")
    files: dict[Name, AnyPath] | None = Field(
        None,
        description="Instead of `path`, a file or folder per variant: `{original: a.csv, abliterated: b.csv}`.",
    )
    variants: Items[Name] = Field(
        [ORIGINAL], min_length=1, description="Variants of the responses in `path`, including `original`."
    )
    format: Format = Field(
        "auto",
        description=(
            "Format of the files: a `table` (CSV, TSV, JSON, JSONL, Parquet), samples of lm-evaluation-harness "
            "(`lm_eval`), logs of Inspect (`inspect`), or the study's labeled responses (`study`); `auto` detects "
            "it."
        ),
    )
    columns: ResponseColumns = nested(ResponseColumns, description="Column names, if they differ from the defaults.")
    where: dict[str, Condition] = Field(
        {}, description="Which rows are read, as for `where` of a prompt source, for example `{model: org/name}`."
    )


def files_of(entry: Entry) -> dict[str, str]:
    """The file or folder with the responses of each variant."""
    if entry["files"]:
        return {str(variant): str(path) for variant, path in entry["files"].items()}
    return {str(variant): str(entry["path"]) for variant in entry["variants"]}


def _problems(entry: Entry, config: Mapping[str, Any]) -> Iterator[str]:
    if (entry["path"] is None) == (entry["files"] is None):
        yield "give `path` for one file with all responses, or `files` for one of each variant"
        return
    if entry["role"] != "study":
        yield f"role: {entry['role']!r} needs the weights, and `source: responses` has none"
    given = files_of(entry)
    if ORIGINAL not in given:
        yield f"{'files' if entry['files'] else 'variants'}: {ORIGINAL} is missing; every change is measured against it"
    for variant, path in given.items():
        if variant not in config["variants"]:
            yield f"variants: {variant!r} is not a variant of this configuration; add `{variant}: {{}}` to `variants`"
        problem = file_problem(path) and directory_problem(path)
        if problem:
            yield f"{'files' if entry['files'] else 'path'}: {file_problem(path)}"


def _files(entry: Entry) -> list[str]:
    return list(dict.fromkeys(files_of(entry).values()))


SOURCE = Source(problems=_problems, files=_files, variants=lambda entry: list(files_of(entry)))
