"""Prompts of a local file: .txt (one per line), .json, .jsonl, .csv or .parquet."""

from steadfast.errors import ConfigError, DataError, suggest
from steadfast.prompts.sources import SourcePrompt, Split, check_assign
from steadfast.prompts.sources._rows import column_names, read_rows, require_file, to_prompts


def load(
    *,
    path: str,
    column: str = "text",
    category_column: str | None = None,
    split_column: str | None = None,
    assign: Split | None = None,
) -> list[SourcePrompt]:
    """Read the prompts of a file.

    Args:
        path: the file; its suffix says its format.
        column: column (JSON: key) of the prompt. Lines of a ``.txt`` file and texts in a JSON list are in ``text``.
        category_column: column of the category, if any.
        split_column: column that says ``calibration`` or ``evaluation``; empty values are drawn by seed.
        assign: split that all prompts are pinned to, in place of a ``split_column``.

    Raises:
        DataError: the file is not what its suffix says, lacks a column, or a row cannot be used.
    """
    columns = [name for name in (column, category_column, split_column) if name]
    return to_prompts(
        read_rows(path, columns),
        column=column,
        category_column=category_column,
        split_column=split_column,
        assign=assign,
        source=path,
    )


def check(
    *,
    path: str,
    column: str = "text",
    category_column: str | None = None,
    split_column: str | None = None,
    assign: Split | None = None,
) -> None:
    """Check that the file exists, has a known format and the columns asked for.

    Raises:
        ConfigError: the message names the key, what was found and what is allowed.
    """
    require_file("path", path)
    check_assign(assign)
    if assign and split_column:
        raise ConfigError(f"assign: {assign!r} and split_column: {split_column!r} exclude each other; give one of them")
    try:
        found = column_names(path)
    except DataError as error:
        raise ConfigError(f"path: {error}") from error
    given = {"column": column, "category_column": category_column, "split_column": split_column}
    for key, name in given.items():
        if name and name not in found:
            raise ConfigError(f"{key}: no column {name!r} in {path}{suggest(name, found)}")


def files(*, path: str, **_: object) -> list[str]:
    """The file itself."""
    return [path]
