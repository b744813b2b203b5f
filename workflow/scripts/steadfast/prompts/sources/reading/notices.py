"""What files hold that their settings pass over: a column that tells two classes apart, and a context of its own."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from steadfast.prompts.sources.reading.formats import Row
from steadfast.prompts.sources.reading.where import is_missing

SAFE = frozenset({"safe", "harmless", "benign", "unharmful", "not harmful", "non-harmful"})
UNSAFE = frozenset({"unsafe", "harmful", "malicious", "toxic"})
CONTRAST = "contrast_"  # XSTest's types whose prompts are unsafe
CONTEXT = "context"
# characters of a cell of a spreadsheet
LONGEST_CELL = 32_767


def candidates(columns: Iterable[str]) -> list[str]:
    """Columns that may be passed over, by their names."""
    names = ("label", "type", "class", "safety", "harm", CONTEXT)
    return [column for column in columns if any(name in column.casefold() for name in names)]


def overlooked(rows: Iterable[Row], columns: Iterable[str], used: Collection[str], path: str) -> Iterator[str]:
    """One sentence for each column that ought to be used.

    Args:
        rows: the rows that are chosen.
        columns: those of ``candidates``.
        used: columns that the prompt is made of.
        path: the file.
    """
    told = False
    cells = {column: [row.cells.get(column) for row in rows] for column in columns}
    for column, values in cells.items():
        words = [value.strip().casefold() for value in values if isinstance(value, str) and not is_missing(value)]
        unsafe = sum(word in UNSAFE or word.startswith(CONTRAST) for word in words)
        safe = sum(word in SAFE for word in words) or (len(words) - unsafe if any(map(_is_contrast, words)) else 0)
        if CONTEXT in column.casefold() and words and column not in used:
            yield (
                f"{path}: column {column!r} has a text in {len(words)} of {len(values)} chosen rows, which is not put "
                f"into the prompts; give a `template` with {{{column}}}, or leave these rows out by `where`"
            )
        elif safe and unsafe and not told:
            told = True
            yield (
                f"{path}: by column {column!r} {safe} of the chosen rows are safe and {unsafe} are not, and all are "
                "read as one class; choose among them by `where`"
            )


def damaged(texts: Sequence[str], path: str) -> Iterator[str]:
    """One sentence for each kind of damage that an earlier program has done to texts."""
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
