"""Output of a run: to a log or a pipe as lines, or to a terminal with a status block below them."""

import io
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from steadfast.runs.terminal.capture import Capture
from steadfast.runs.terminal.pace import Position
from steadfast.runs.terminal.status import RunningStep, render


class Screen(Protocol):
    """Target of the output.

    Attributes:
        is_live: whether it has a status block; lines about single steps are written only without one.
    """

    is_live: bool

    def write(self, text: str, style: str = "") -> None:
        """Write permanent lines.

        Args:
            text: one or more lines.
            style: one of rich: ``red``, ``yellow``, ``dim``.
        """

    def show(self, rows: Sequence[RunningStep], at: Position) -> None:
        """Show the state of the run, replacing the previous one."""

    def end(self) -> None:
        """Take the status away."""


class Lines:
    """A log, a pipe, or a terminal that shows only text."""

    is_live = False

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str, style: str = "") -> None:
        """Write lines; a closed reader does not end the run."""
        with suppress(OSError, ValueError):
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def show(self, rows: Sequence[RunningStep], at: Position) -> None:
        """A log has no status."""

    def end(self) -> None:
        """Nothing to remove."""


class Terminal:
    """A terminal, whose last lines are redrawn.

    Args:
        stream: standard output or error.
        colors: whether to use colors; NO_COLOR is respected too.
    """

    is_live = True

    def __init__(self, stream: TextIO, *, colors: bool) -> None:
        # a separate descriptor, since the stream's is redirected while the block is shown
        own = open(os.dup(stream.fileno()), "w", encoding=stream.encoding, errors="replace", newline="\n")
        self._console = _Console(
            file=own, force_terminal=True, force_jupyter=False, no_color=None if colors else True, highlight=False
        )
        self._live: Live | None = None
        self._capture = Capture(self._foreign)

    def write(self, text: str, style: str = "") -> None:
        """Write lines above the block."""
        with suppress(OSError, ValueError):
            self._console.print(Text(text, style=style), soft_wrap=True)

    def show(self, rows: Sequence[RunningStep], at: Position) -> None:
        """Draw the block."""
        with suppress(OSError, ValueError):
            block = render(rows, at, self._console)
            if self._live is None:
                self._live = Live(
                    block,
                    console=self._console,
                    auto_refresh=False,
                    transient=True,
                    redirect_stdout=False,
                    redirect_stderr=False,
                    vertical_overflow="crop",
                )
                self._capture.start()
                self._live.start(refresh=True)
            else:
                self._live.update(block, refresh=True)

    def end(self) -> None:
        """Erase the block and stop capturing other output."""
        live, self._live = self._live, None
        if live is not None:
            self._capture.stop()
            with suppress(OSError, ValueError):
                live.stop()

    def _foreign(self, line: str) -> None:
        # a progress bar goes back to the start of its line: only what comes last counts
        self._console.print(Text.from_ansi(line.rstrip("\r").rpartition("\r")[2]), soft_wrap=True)


class _Console(Console):
    """A console that leaves the cursor visible, so that a killed run leaves no terminal without one."""

    def show_cursor(self, show: bool = True) -> bool:
        """Do nothing."""
        return False


def screen_for(stream: TextIO, *, colors: bool) -> Screen:
    """The screen for a stream.

    Args:
        stream: standard output or error.
        colors: whether colors are wanted.
    """
    clever = os.environ.get("TERM", "") not in ("", "dumb", "unknown")
    if clever and isinstance(stream, io.TextIOWrapper) and stream.isatty():
        return Terminal(stream, colors=colors)
    return Lines(stream)
