"""The line at the bottom of a terminal that is written over: what runs just now."""

import shutil
from typing import TextIO

ERASE = "\r\033[K"


class StatusLine:
    """A line below all others; there is none where the output is no terminal.

    It is one line, since going up several would erase what others print there meanwhile.

    Args:
        stream: where it is written.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = ""
        self.works = stream.isatty()

    def show(self, text: str) -> None:
        """Write the line, cut to the width of the terminal, over the one before."""
        if self.works:
            cut = text[: max(shutil.get_terminal_size().columns - 1, 1)]
            if cut != self._shown:
                self._shown = cut
                self._stream.write(f"{ERASE}{cut}")
                self._stream.flush()

    def clear(self) -> None:
        """Take the line away, so that another can be written in its place."""
        if self._shown:
            self._shown = ""
            self._stream.write(ERASE)
