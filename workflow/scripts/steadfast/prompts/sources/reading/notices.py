"""Warnings about unused columns: labels, and contexts."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from steadfast.prompts.sources.reading.formats import SourceRow, column_names, is_delimited, read_rows
from steadfast.prompts.sources.reading.where import is_missing

SAFE = frozenset({"safe", "harmless", "benign", "unharmful", "not harmful", "non-harmful"})
UNSAFE = frozenset({"unsafe", "harmful", "malicious", "toxic"})
CONTRAST = "contrast_"  # XSTest's types whose prompts are unsafe
CONTEXT = "context"
# words in the name of a boolean column that determine its meaning
YES_IS_UNSAFE = ("harm", "unsafe", "toxic", "malicious", "jailbreak", "attack", "adversarial")
YES_IS_SAFE = ("harmless", "unharm", "nonharm", "safe", "benign")
_YES, _NO = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no"})
# one in this number of texts is few, of texts of several lines
FEW = 4
# characters of a cell of a spreadsheet
LONGEST_CELL = 32_767


def candidates(columns: Iterable[str]) -> list[str]:
    """Columns that may be unused by mistake, by name."""
    names = ("label", "type", "class", "categor", "safety", *YES_IS_UNSAFE, *YES_IS_SAFE, CONTEXT)
    return [column for column in columns if any(name in column.casefold() for name in names)]


def overlooked(rows: Iterable[SourceRow], columns: Iterable[str], used: Collection[str], path: str) -> Iterator[str]:
    """One message for each unused column that should probably be used.

    Args:
        rows: the rows that are chosen.
        columns: those of ``candidates``.
        used: columns that the prompt is made of.
        path: the file.
    """
    noticed = False
    cells = {column: [row.cells.get(column) for row in rows] for column in columns}
    for column, values in cells.items():
        words = [str(value).strip().casefold() for value in values if not is_missing(value)]
        safe, unsafe = _classes(column, words)
        if CONTEXT in column.casefold() and words and column not in used:
            yield (
                f"{path}: column {column!r} has a text in {len(words)} of {len(values)} chosen rows, which is not put "
                f"into the prompts; give a `template` with {{{column}}}, or leave these rows out by `where`"
            )
        elif safe and unsafe and not noticed:
            noticed = True
            yield (
                f"{path}: by column {column!r} {safe} of the chosen rows are safe and {unsafe} are not, and all are "
                "read as one label; choose among them by `where`"
            )


def _classes(column: str, words: Sequence[str]) -> tuple[int, int]:
    """Numbers of cells that label their row safe and unsafe."""
    name = re.sub(r"[^a-z]", "", column.casefold())
    if words and set(words) <= _YES | _NO:
        yes = sum(word in _YES for word in words)
        if any(part in name for part in YES_IS_UNSAFE) and "harmless" not in name and "unharm" not in name:
            return len(words) - yes, yes
        return (yes, len(words) - yes) if any(part in name for part in YES_IS_SAFE) else (0, 0)
    contrasts = sum(map(_is_contrast, words))
    safe = sum(word in SAFE for word in words)
    if safe:
        return safe, len(words) - safe
    unsafe = contrasts or sum(word in UNSAFE for word in words)
    return (len(words) - unsafe if contrasts else 0), unsafe


def few_broken_texts(path: str | Path) -> Iterator[str]:
    """A message if a few texts of a single-column file have several lines, as caused by a stray quote."""
    names = column_names(path) if is_delimited(path) else []
    if len(names) != 1:
        return
    rows = read_rows(path, names)
    found = [row for row in rows if _has_lines(row.cells.get(names[0]))]
    if 0 < len(found) <= max(1, len(rows) // FEW):
        yield (
            f"{path}: {len(found)} of {len(rows)} texts have several lines, for example {found[0].place}; in a file of "
            "one column a stray quote makes one text of several rows as well, so look at them"
        )


def _has_lines(cell: Any) -> bool:
    return isinstance(cell, str) and len(cell.strip().splitlines()) > 1


def damaged(texts: Sequence[str], path: str) -> Iterator[str]:
    """One message for each kind of damage to texts by other programs."""
    kinds: dict[str, Callable[[str], bool]] = {
        "hold U+FFFD, which represents characters that an earlier conversion lost": lambda text: "\ufffd" in text,
        "hold control characters": lambda text: any(ord(one) < 32 and one not in "\t\n\r" for one in text),
        f"have {LONGEST_CELL} characters, where spreadsheets cut them off": lambda text: len(text) == LONGEST_CELL,
    }
    for kind, is_so in kinds.items():
        found = [text for text in texts if is_so(text)]
        if found:
            yield f"{path}: {len(found)} prompt(s) {kind}, for example {found[0][:60]!r}"


def _is_contrast(word: str) -> bool:
    return word.startswith(CONTRAST)
