"""Prompts of a local file: .txt (one per line), .json, .jsonl, .csv, .tsv or .parquet."""

from typing import Any

from pydantic import Field

from steadfast.core.settings import ExistingFile
from steadfast.prompts.sources import Loaded
from steadfast.prompts.sources.reading.rows import RowReading, require_file
from steadfast.prompts.sources.settings import RowSettings


class Settings(RowSettings):
    """A .txt, .json, .jsonl, .csv, .tsv or .parquet file."""

    path: ExistingFile = Field(
        description=(
            "The file; `.gz` may follow its suffix. CSV files are read as spreadsheets write them: separated "
            "by commas, semicolons, tabs or bars, in UTF-8, UTF-16 or Windows-1252."
        )
    )


def load(*, path: str, **reading: Any) -> Loaded:
    """Read the prompts of a file.

    Args:
        path: the file; its suffix says its format. Lines of a ``.txt`` file and texts in a JSON list are in ``text``.
        reading: how prompts are read from its rows (see ``RowReading``).

    Raises:
        ConfigError: the settings cannot be used.
        DataError: the file is not what its suffix says, lacks a column, or a row cannot be used.
    """
    return RowReading(**reading).read([path], path)


def check(*, path: str, **reading: Any) -> None:
    """Check that the file exists, has a known format, the columns asked for and the rows that are chosen.

    Raises:
        ConfigError: the message names the key, what was found and what is allowed.
    """
    require_file("path", path)
    RowReading(**reading).check_files([path])


def notices(*, path: str, **reading: Any) -> list[str]:
    """Messages about unused content of the file."""
    return RowReading(**reading).notices([path], path)


def files(*, path: str, **_: object) -> list[str]:
    """The file itself."""
    return [path]
