"""Any text can be shown on any terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from steadfast.core import terminal_encoding

SCRIPTS = Path(terminal_encoding.__file__).parents[2]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def shown(code: str, **environment: str) -> tuple[int, bytes]:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONIOENCODING"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "PYTHONPATH": str(SCRIPTS), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_unencodable_characters_are_replaced(stream):
    code = f"import sys; print('10 \\u2192 0', file=sys.{stream})"
    assert shown(code, **ASCII)[0] == (1 if stream == "stdout" else 0)
    told = f"from steadfast.core.terminal_encoding import show_any_text; show_any_text(); {code}"
    assert shown(told, **ASCII) == (0, b"10 ? 0\n")
    assert shown(told, PYTHONUTF8="1") == (0, "10 → 0\n".encode())


def test_custom_streams_are_unchanged():
    code = "from steadfast.core.terminal_encoding import show_any_text; show_any_text()"
    assert shown(f"import io, sys; sys.stdout = io.StringIO(); {code}") == (0, b"")
