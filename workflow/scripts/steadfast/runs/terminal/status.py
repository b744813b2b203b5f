"""The block at the bottom of a terminal: running steps, progress, and remaining time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, OverflowMethod, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from steadfast.core.progress import duration, seconds_left
from steadfast.runs.terminal.pace import Position
from steadfast.runs.terminal.words import steps

MOST_ROWS = 10
# rows of the terminal that the block leaves free above it
LEFT_FREE = 4
# minimum widths for the count and remaining time of a step, and for the full last line of its log
WIDE, WIDEST = 70, 110
BAR_WIDTH = 20
COUNT = re.compile(r"(?:^|: )([\d,]+/[\d,]+(?: MiB)?)\b")
# width of a step's progress: a count and a time, or a share of wide terminals
BRIEF_WIDTH = 24
NAME_SHARE, NOTE_SHARE = 3, 2


@dataclass(frozen=True)
class RunningStep:
    """A running step.

    Attributes:
        words: human-readable description.
        seconds: elapsed seconds.
        note: the last line of its log.
    """

    words: str
    seconds: float
    note: str = ""


def render(rows: Sequence[RunningStep], at: Position, console: Console) -> RenderableType:
    """Draw the block.

    Args:
        rows: the running steps.
        at: progress of the run.
        console: the terminal; its width, height and encoding decide what fits.
    """
    room = max(min(MOST_ROWS, console.height - LEFT_FREE), 0)
    shown = rows if len(rows) <= room else rows[: max(room - 1, 0)]
    more = len(rows) - len(shown)
    parts: list[RenderableType] = [_table(shown, console)] if shown else []
    if more and room:
        parts.append(Text(f"  and {steps(more)} more" if shown else f"  {steps(more)} running", style="dim"))
    return Group(*parts, _total(at, console))


def _table(rows: Sequence[RunningStep], console: Console) -> Table:
    wide, widest = console.width >= WIDE, console.width >= WIDEST
    overflow: OverflowMethod = "ellipsis" if _knows_unicode(console) else "crop"
    table = Table.grid(padding=(0, 2, 0, 0), expand=True, pad_edge=False)
    table.add_column(no_wrap=True, overflow=overflow, ratio=NAME_SHARE)
    table.add_column(no_wrap=True, justify="right", width=7)
    if widest:
        table.add_column(no_wrap=True, overflow=overflow, ratio=NOTE_SHARE, style="dim")
    elif wide:
        table.add_column(no_wrap=True, overflow=overflow, width=BRIEF_WIDTH, style="dim")
    for row in rows:
        cells = [Text(f"  {row.words}"), Text(duration(row.seconds))]
        note = row.note if widest else brief(row.note)
        table.add_row(*cells, *([Text(note)] if wide else []))
    return table


def brief(note: str) -> str:
    """Short form of the last line of a log: a count and the remaining time, or the whole line without these."""
    count, left = COUNT.search(note), seconds_left(note)
    parts = [count[1] if count else "", f"{duration(left)} left" if left is not None else ""]
    return ", ".join(filter(None, parts)) or note


def _total(at: Position, console: Console) -> RenderableType:
    left = f"{duration(at.left)} left" if at.left else ""
    count = f"  {at.done} of {steps(at.total)} done"
    share = f"{int(100 * at.share)}%"
    line = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    if console.width < WIDE:
        line.add_row(Text(count, style="bold"), Text(share), Text(left))
        return line
    line.add_row(
        Text(count, style="bold"),
        ProgressBar(total=1.0, completed=at.share, width=BAR_WIDTH, complete_style="green"),
        Text(share),
        Text(left, style="bold"),
    )
    return line


def _knows_unicode(console: Console) -> bool:
    return console.encoding.lower().startswith("utf")
