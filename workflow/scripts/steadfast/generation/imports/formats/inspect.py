"""Logs of Inspect: ``.eval`` (a zip archive with one JSON file per sample) and its JSON form."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.generation.imports.records import ColumnNames, ImportedResponse, cell, optional

ORDER = 0
SUFFIX = ".eval"
HEADER = "header.json"
SAMPLES = "samples/"
ATTACHMENT = "attachment://"


def recognizes(path: Path) -> bool:
    """Whether a file is an Inspect archive, or a JSON file with its keys."""
    if path.suffix == SUFFIX:
        return True
    if path.suffix != ".json":
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        start = file.read(4096)
    return '"version"' in start and '"status"' in start and '"eval"' in start


def read(path: Path, columns: ColumnNames) -> list[ImportedResponse]:
    """The responses of a log; ``columns.verdict`` names one of its scorers.

    Raises:
        DataError: it is not an Inspect log, or its compression is not supported.
    """
    return [_record(sample, place, columns) for place, sample in _samples(path)]


def _samples(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    advice = "install `zipfile-zstd`, or write it as JSON: `inspect log convert --to json`"
    try:
        # adds the compression of newer logs to `zipfile`
        import_module("zipfile_zstd")
    except ModuleNotFoundError:
        pass
    try:
        if path.suffix != SUFFIX:
            for number, sample in enumerate(json.loads(path.read_text(encoding="utf-8")).get("samples") or [], start=1):
                yield f"{path}, sample {number}", sample
            return
        with zipfile.ZipFile(path) as archive:
            for name in sorted(name for name in archive.namelist() if name.startswith(SAMPLES)):
                yield f"{path}, {name}", json.loads(archive.read(name))
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a log of Inspect ({error}); {advice}") from error


def _record(sample: Mapping[str, Any], place: str, columns: ColumnNames) -> ImportedResponse:
    output = sample.get("output") or {}
    choices = output.get("choices") or []
    message = choices[0].get("message", {}) if choices else {}
    named = optional(sample, columns.prompt)
    attached = sample.get("attachments") or {}
    return ImportedResponse(
        place=place,
        prompts=(named,) if named else tuple(_whole(text, attached) for text in _inputs(sample.get("input"))),
        response=_whole(_content(message.get("content")) or str(output.get("completion") or ""), attached),
        prompt_id=optional(sample, columns.prompt_id) or optional(sample, "metadata.prompt_id"),
        sample=_epoch(sample),
        variant=optional(sample, columns.variant),
        verdict=_score(sample, columns.verdict),
        finish_reason=str(choices[0].get("stop_reason") or "") if choices else "",
        cells=sample,
    )


def _inputs(value: Any) -> Iterator[str]:
    """The prompt: a string, or the user turns."""
    if isinstance(value, str):
        yield value
    for message in value if isinstance(value, list) else []:
        if message.get("role") == "user":
            yield _content(message.get("content"))


def _content(value: Any) -> str:
    """The text of a message, without its reasoning parts."""
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, list) else []
    return "\n".join(str(part["text"]) for part in parts if part.get("type") == "text")


def _whole(text: str, attached: Mapping[str, str]) -> str:
    """A text, which a log may store as an attachment."""
    return attached.get(text.removeprefix(ATTACHMENT), text) if text.startswith(ATTACHMENT) else text


def _epoch(sample: Mapping[str, Any]) -> int | None:
    epoch = sample.get("epoch")
    return epoch - 1 if isinstance(epoch, int) else None


def _score(sample: Mapping[str, Any], scorer: str | None) -> str:
    if not scorer:
        return ""
    value = cell(sample.get("scores") or {}, scorer)
    return optional(value, "value") if isinstance(value, Mapping) else ""
