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
        prompt: text of the prompt; None for the format's default.
        response: the response; None for the format's default.
        prompt_id: id of the prompt in this workflow, or None.
        sample: index of the response among those to one prompt; None numbers them in order.
        variant: the variant; None if the file has a single one.
        verdict: the label of a judge; None for the format's default.
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
        place: its location, for messages.
        prompts: candidate texts of the prompt, since logs contain it with and without a template.
        response: the unmodified response.
        prompt_id: id of the prompt in this workflow; empty if the file has none.
        sample: index of the response among those to one prompt; None if unknown.
        variant: the variant; empty if unknown.
        verdict: the label of a judge; empty if there is none.
        finish_reason: why the response ended, if known.
        cells: the row, for filter conditions.
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
    """The format module for a file: the named one, or the first that recognizes the file.

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
        columns: names of its columns.
        form: name of a format, or ``auto``.
        where: conditions on cells of the rows, as in prompt sources.

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
    """The response files at a path: the file itself, or all readable files of a folder."""
    root = Path(path)
    if not root.is_dir():
        return [str(root)]
    return sorted(str(file) for file in root.iterdir() if file.is_file() and _is_known(file))


def cell(row: Mapping[str, Any], name: str) -> Any:
    """A cell of a row by name, or by a dotted path of keys; None if missing."""
    if name in row:
        return row[name]
    value: Any = row
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def require(row: Mapping[str, Any], name: str, place: str) -> str:
    """A cell that must be a string.

    Raises:
        DataError: it is missing, or not a string.
    """
    value = cell(row, name)
    if value is None:
        raise DataError(f"{place}: no {name!r}; there are {', '.join(map(repr, list(row)[:12]))}")
    if not isinstance(value, str | int | float):
        raise DataError(f"{place}, {name!r}: expected a text, found {type(value).__name__}")
    return str(value)


def optional(row: Mapping[str, Any], name: str | None) -> str:
    """A cell as a string; empty if missing."""
    value = cell(row, name) if name else None
    return "" if value is None or value != value else str(value).strip()


def number(text: str, place: str) -> int | None:
    """The number of a sample; None for an empty cell.

    Raises:
        DataError: it is not an integer.
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
