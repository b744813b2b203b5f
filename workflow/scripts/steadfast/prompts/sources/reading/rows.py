"""Prompts from the rows of one or more files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from steadfast.core.errors import ConfigError, DataError, suggest
from steadfast.core.path_checks import file_problem
from steadfast.core.text_files import GUESSED, is_guessed, suffix_of
from steadfast.prompts.sources import SPLITS, Loaded, SourcePrompt, Split, check_assign
from steadfast.prompts.sources.reading.formats import (
    TEXT_COLUMN,
    SourceRow,
    blank_rows,
    column_names,
    read_rows,
    reject_duplicates,
)
from steadfast.prompts.sources.reading.notices import candidates, damaged, few_broken_texts, overlooked
from steadfast.prompts.sources.reading.template import PromptTemplate, read_template
from steadfast.prompts.sources.reading.where import chosen, is_missing, read_conditions

# error values that spreadsheets write for a text that begins like a formula
SPREADSHEET_ERRORS = frozenset(
    {"#NAME?", "#REF!", "#VALUE!", "#N/A", "#DIV/0!", "#NULL!", "#NUM!", "Err:508", "Err:509", "Err:510"}
)
# values that programs write for a missing text
MISSING_TEXTS = frozenset({"nan", "NaN", "NaT", "<NA>", "None", "null", "NULL"})


@dataclass(frozen=True)
class RowReading:
    """How prompts are read from rows: the keys shared by sources with files.

    Attributes:
        column: column of the prompt's text; None takes ``text``, or the template.
        template: template of a prompt from several columns.
        where: conditions on rows, by column.
        category_column: column of the category, if any.
        split_column: column of the split, if any; an empty cell pins the prompt to none.
        assign: split that all prompts are pinned to.
        turns: whether the column holds a list, whose only item is the prompt.
    """

    column: str | None = None
    template: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    category_column: str | None = None
    split_column: str | None = None
    assign: Split | None = None
    turns: bool = False

    def check(self) -> None:
        """Check the settings as far as that goes without the files.

        Raises:
            ConfigError: the message names the key, what was found and what is allowed.
        """
        check_assign(self.assign)
        if self.assign and self.split_column:
            raise ConfigError(
                f"assign: {self.assign!r} and split_column: {self.split_column!r} exclude each other; give one of them"
            )
        if self.template is not None and self.column is not None:
            raise ConfigError(
                f"template: {self.template[:60]!r} and column: {self.column!r} exclude each other; the template "
                "names the columns that it needs"
            )
        if self.template is not None:
            read_template(self.template)

    def check_files(self, paths: Sequence[str]) -> None:
        """Check that the files have the columns, and the cells that ``where`` looks for.

        Raises:
            ConfigError: as ``check``.
        """
        self.check()
        for path in paths:
            try:
                found = column_names(path)
            except DataError as error:
                raise ConfigError(f"path: {error}") from error
            for key, column in self._named_columns():
                if column not in found:
                    raise ConfigError(f"{key}: no column {column!r} in {path}{suggest(column, found)}")
                try:
                    reject_duplicates(path, [column])
                except DataError as error:
                    raise ConfigError(f"{key}: {error}") from error
        if self.where:
            try:
                self._chosen_rows(paths, [], ", ".join(paths))
            except DataError as error:
                raise ConfigError(str(error)) from error

    def read(self, paths: Sequence[str | Path], source: str) -> Loaded:
        """Read the prompts of files.

        Args:
            paths: the files.
            source: what the prompt table names as their source.

        Raises:
            ConfigError: the settings cannot be used.
            DataError: a file cannot be read or lacks a column, no row is selected, a prompt is not a string, or a split
                is unknown; the message names the row.
        """
        self.check()
        rows = self._chosen_rows(paths, [], source)
        prompts = [self._prompt(row, source) for row in rows]
        found = damaged([prompt.text for prompt in prompts], source)
        return Loaded(prompts, [*self.notices(paths, source), *_blank(paths), *found])

    def notices(self, paths: Sequence[str | Path], source: str) -> list[str]:
        """Messages about unused content of the files.

        Raises:
            DataError: a file cannot be read or lacks a column, or no row is chosen.
        """
        shared = set.intersection(*(set(column_names(path)) for path in paths))
        columns = candidates(sorted(shared - set(self.where)))
        rows = self._chosen_rows(paths, columns, source) if columns else []
        guessed = [str(path) for path in paths if suffix_of(path) != ".parquet" and is_guessed(path)]
        return [
            *(GUESSED.format(path=path) for path in guessed),
            *overlooked(rows, columns, self.maker.columns, source),
            *(sentence for path in paths for sentence in few_broken_texts(path)),
        ]

    def _chosen_rows(self, paths: Sequence[str | Path], further: Sequence[str], source: str) -> list[SourceRow]:
        columns = [*(column for _, column in self._named_columns()), *further]
        return chosen([row for path in paths for row in read_rows(path, columns)], read_conditions(self.where), source)

    @cached_property
    def maker(self) -> PromptTemplate:
        """The template, by default of a single column."""
        return read_template(self.template) if self.template is not None else _of_column(self.column or TEXT_COLUMN)

    def _named_columns(self) -> list[tuple[str, str]]:
        """Every column that is needed, with the key that names it."""
        key = "column" if self.template is None else "template"
        named = [*((key, column) for column in self.maker.columns), *(("where", column) for column in self.where)]
        optional = {"category_column": self.category_column, "split_column": self.split_column}
        return [*named, *((key, column) for key, column in optional.items() if column)]

    def _prompt(self, row: SourceRow, source: str) -> SourcePrompt:
        where = f"{source}, {row.place}"
        category = row.cells.get(self.category_column) if self.category_column else None
        return SourcePrompt(
            text=self._text(row.cells, where),
            category="" if is_missing(category) else str(category).strip(),
            split=_split(row.cells.get(self.split_column), f"{where}, column {self.split_column!r}")
            if self.split_column
            else self.assign,
            source=source,
        )

    def _text(self, cells: Mapping[str, Any], where: str) -> str:
        if self.template is None:
            column = self.column or TEXT_COLUMN
            cell = cells.get(column)
            if self.turns and isinstance(cell, list) and len(cell) == 1:
                cell = cell[0]
            return _text(cell, f"{where}, column {column!r}")
        try:
            return _text(self.maker.fill(cells), where)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error


def require_file(key: str, path: str) -> None:
    """Check that the file which ``key`` names exists.

    Raises:
        ConfigError: it does not; the message suggests the nearest name in its folder.
    """
    problem = file_problem(path)
    if problem:
        raise ConfigError(f"{key}: {problem}")


def _blank(paths: Sequence[str | Path]) -> list[str]:
    """Notice about empty rows."""
    counts = {path: blank_rows(path) for path in paths}
    return [f"{path}: {count} row(s) without any text were left out" for path, count in counts.items() if count]


def _of_column(column: str) -> PromptTemplate:
    return PromptTemplate("", (column,))


def _text(value: Any, where: str) -> str:
    if value is None or (isinstance(value, float) and is_missing(value)):
        return ""
    if not isinstance(value, str):
        raise DataError(f"{where}: a prompt must be text, found {type(value).__name__}: {str(value)[:60]}")
    if value.strip() in SPREADSHEET_ERRORS:
        found = f"{where}: {value.strip()!r} is what a spreadsheet shows where it took a text for a formula"
        raise DataError(f"{found}; restore the text")
    if value.strip() in MISSING_TEXTS:
        found = f"{where}: {value.strip()!r} is what a program wrote for a missing text"
        raise DataError(f"{found}; restore the text, or leave such rows out by `where`: {{not: {value.strip()!r}}}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"{where}: the text is not valid Unicode: {error.reason}") from error
    return value


def _split(value: Any, where: str) -> Split | None:
    name = "" if is_missing(value) else str(value).strip()
    for split in SPLITS:
        if name == split:
            return split
    if name:
        raise DataError(f"{where}: unknown split {name!r}{suggest(name, SPLITS)}; leave it empty to draw it by seed")
    return None
