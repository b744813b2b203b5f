"""Records of files of other tools: responses to prompts, optionally with labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from steadfast.core.errors import ConfigError, DataError
from steadfast.core.registry import load, names
from steadfast.prompts.sources.reading.where import chosen, read_conditions

FORMATS = "steadfast.generation.imports.formats"
AUTO = "auto"


@dataclass(frozen=True)
class ColumnNames:
    """Column names; dots address nested keys (``doc.question``).

    Attributes:
        prompt: the prompt's text; None for what the format calls it.
        response: the response; None likewise.
        prompt_id: id of the prompt in this workflow; None for none.
        sample: number of the response among those to one prompt; None counts them.
        variant: the variant that responded; None for one variant in the file.
        verdict: the label of a judge; None for what the format calls it.
    """

    prompt: str | None = None
    response: str | None = None
    prompt_id: str | None = None
    sample: str | None = None
    variant: str | None = None
    verdict: str | None = None


@dataclass(frozen=True)
class ImportedResponse:
    """One response of a file.

    Attributes:
        place: where it is, for messages.
        prompts: texts, one of which is the prompt: logs hold it bare and within a template.
        response: the response, as the file has it.
        prompt_id: id of the prompt in this workflow; empty if the file has none.
        sample: number of the response among those to one prompt; None if the file does not say.
        variant: the variant that responded; empty if the file does not say.
        verdict: the label of a judge; empty if there is none.
        finish_reason: why the response ended, if the file says so.
        cells: the row, for conditions on it.
    """

    place: str
    prompts: tuple[str, ...]
    response: str
    prompt_id: str = ""
    sample: int | None = None
    variant: str = ""
    verdict: str = ""
    finish_reason: str = ""
    cells: Mapping[str, Any] = field(default_factory=dict)


def format_names() -> list[str]:
    """Names of the formats that can be read, without importing them."""
    return names(FORMATS)


def format_of(path: str | Path, name: str = AUTO) -> ModuleType:
    """The module that reads a file: the one of this name, or the first that recognizes the file.

    Raises:
        ConfigError: there is no such format.
        DataError: no format recognizes the file.
    """
    if name != AUTO:
        return load(FORMATS, name, "format of responses")
    modules = sorted((load(FORMATS, known) for known in format_names()), key=lambda module: int(module.ORDER))
    found = next((module for module in modules if module.recognizes(Path(path))), None)
    if found is None:
        raise DataError(f"{path}: not a file of responses that can be read; formats: {', '.join(format_names())}")
    return found


def read_records(
    path: str | Path, columns: ColumnNames, *, form: str = AUTO, where: Mapping[str, Any] | None = None
) -> list[ImportedResponse]:
    """The responses in a file, or in all files of a folder.

    Args:
        path: the file or folder.
        columns: what its columns are called.
        form: name of a format, or ``auto``.
        where: conditions on the rows' cells, as those of a source of prompts.

    Raises:
        ConfigError: the format is unknown.
        DataError: the file cannot be read, lacks a column, or no row fulfills the conditions.
    """
    files = record_files(path)
    if not files:
        raise DataError(f"{path}: the folder holds no file of responses")
    found = [record for file in files for record in format_of(file, form).read(Path(file), columns)]
    if where:
        found = chosen(found, read_conditions(where), str(path))
    if not found:
        raise DataError(f"{path}: it holds no response")
    return found


def record_files(path: str | Path) -> list[str]:
    """The files that a path of responses names: itself, or what is in the folder and can be read."""
    root = Path(path)
    if not root.is_dir():
        return [str(root)]
    return sorted(str(file) for file in root.iterdir() if file.is_file() and _is_known(file))


def cell(row: Mapping[str, Any], name: str) -> Any:
    """A cell of a row by its name, or by a path of keys with dots; None where there is none."""
    if name in row:
        return row[name]
    value: Any = row
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def require(row: Mapping[str, Any], name: str, place: str) -> str:
    """A cell that has to be a text.

    Raises:
        DataError: it is not there, or holds something else.
    """
    value = cell(row, name)
    if value is None:
        raise DataError(f"{place}: no {name!r}; there are {', '.join(map(repr, list(row)[:12]))}")
    if not isinstance(value, str | int | float):
        raise DataError(f"{place}, {name!r}: expected a text, found {type(value).__name__}")
    return str(value)


def optional(row: Mapping[str, Any], name: str | None) -> str:
    """A cell as text; empty where there is none."""
    value = cell(row, name) if name else None
    return "" if value is None or value != value else str(value).strip()


def number(text: str, place: str) -> int | None:
    """The number of a sample; None for an empty cell.

    Raises:
        DataError: it is not a whole number.
    """
    if not text:
        return None
    try:
        return int(float(text))
    except ValueError:
        raise DataError(f"{place}: the sample {text!r} is not a whole number") from None


def _is_known(file: Path) -> bool:
    try:
        format_of(file)
    except (DataError, ConfigError):
        return False
    return True
