"""Documentation pages followed to the letter: their code blocks put where the pages say.

A block whose fence names a file (```` ```python path ````) is that file; one that names a section of the configuration
(```` ```yaml judges ````) is a config entry.
"""

import contextlib
import io
import itertools
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+) (?P<target>[^\n]+)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A code block that belongs somewhere: ``target`` is what its fence names."""

    target: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Code blocks with a target."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(match["target"], re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE))
        for match in FENCE.finditer(text)
    ]


def follow(page: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Do in a copy of the repository what the page says; returns the entries, by section."""
    entries: dict[str, dict[str, Any]] = {}
    for block in blocks(page):
        path = block.target
        if "/" in path:
            assert not (folder / path).exists()
            (folder / path).write_text(block.text, encoding="utf-8")
        else:
            entries.setdefault(path, {}).update(yaml.safe_load(textwrap.dedent(block.text)))
    return entries


PYTHON_OR_OUTPUT = re.compile(r"^```(?P<info>python|text|text of the model)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Step:
    """A block of code of a page that is a notebook, in the order of the page.

    Attributes:
        code: its text.
        shown: the output that the page shows behind it; None if it shows none, or that of a model that is not here.
        printed: what it really printed.
    """

    code: str
    shown: str | None
    printed: str


def run_notebook(page: Path) -> list[Step]:
    """Run the ``python`` blocks of a page one after the other, as the cells of one notebook.

    Outputs follow as ``text`` blocks; ``text of the model`` are those of a model that a reader has.
    """
    found = [(match["info"], match["text"]) for match in PYTHON_OR_OUTPUT.finditer(page.read_text(encoding="utf-8"))]
    namespace: dict[str, Any] = {}
    steps = []
    for (info, code), (following, output) in itertools.pairwise([*found, ("", "")]):
        if info == "python":
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(code, str(page), "exec"), namespace)
            steps.append(Step(code, output if following == "text" else None, printed.getvalue()))
    return steps
