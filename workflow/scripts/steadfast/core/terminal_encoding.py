"""Output of any text on any terminal."""

import io
import sys


def show_any_text() -> None:
    """Replace characters that the terminal's encoding lacks, instead of ending a finished run with an error.

    Under ``LC_ALL=C`` without Python's UTF-8 mode that is every arrow, and every name that is not English.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
