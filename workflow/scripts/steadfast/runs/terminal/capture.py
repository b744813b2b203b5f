"""Capture of other output to the terminal while the status block is shown: jobs, libraries, Snakemake itself.

The block is redrawn repeatedly, so other output would be overwritten or leave parts of the block behind. Therefore file
descriptors 1 and 2, if they are terminals, are redirected to a pipe, and every line from it is passed on.
"""

import os
import select
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

# seconds after which text without a line end is passed on
IDLE_SECONDS = 0.5
END = b"\0steadfast: end of capture\0\n"


class Capture:
    """Redirects standard output and error from ``start`` to ``stop``.

    Args:
        hand_on: called with each line, without its end.
    """

    def __init__(self, hand_on: Callable[[str], None]) -> None:
        self._hand_on = hand_on
        self._saved: dict[int, int] = {}
        self._over = threading.Event()
        self._write = -1

    def start(self) -> None:
        """Redirect what goes to a terminal."""
        _flush()
        self._over.clear()
        read, self._write = os.pipe()
        for number in (1, 2):
            if os.isatty(number):
                self._saved[number] = os.dup(number)
                os.dup2(self._write, number)
        threading.Thread(target=self._read, args=(read,), daemon=True).start()

    def stop(self) -> None:
        """Pass on the remaining captured output, then restore the terminal."""
        if not self._saved:
            return
        _flush()
        for number, saved in self._saved.items():
            os.dup2(saved, number)
            os.close(saved)
        self._saved = {}
        # a remaining process may keep the pipe open
        os.write(self._write, END)
        os.close(self._write)
        self._over.wait(timeout=5)

    def _read(self, read: int) -> None:
        pending = b""
        while True:
            ready, _, _ = select.select([read], [], [], IDLE_SECONDS)
            chunk = os.read(read, 65536) if ready else b""
            if ready and not chunk:
                break
            pending += chunk
            *lines, pending = pending.split(b"\n")
            for line in lines:
                self._forward_line(line + b"\n")
            if not ready and pending:
                self._forward_line(pending)
                pending = b""
        os.close(read)
        self._over.set()

    def _forward_line(self, line: bytes) -> None:
        text, found, _ = line.partition(END.rstrip(b"\n"))
        if text.strip():
            with suppress(OSError, ValueError):
                self._hand_on(text.decode(errors="replace").rstrip("\n"))
        if found:
            self._over.set()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
