"""The journal of finished responses: what was written is found again, what was damaged is not."""

import json

import pytest

from steadfast.generation.interface import Generation
from steadfast.generation.journal import Journal

FIRST, SECOND = Generation((1, 2, 3), "stop"), Generation((4,), "length")


@pytest.fixture
def path(tmp_path):
    """A journal with two responses."""
    path = tmp_path / "out" / ".responses.journal.jsonl"
    with Journal(path) as journal:
        journal.append("first", FIRST)
        journal.append("second", SECOND)
    return path


def entries(path) -> dict[str, Generation]:
    with Journal(path) as journal:
        return journal.entries()


def test_what_was_written_is_found_again(path):
    assert entries(path) == {"first": FIRST, "second": SECOND}


def test_half_a_line_is_cut_off(path):
    with path.open("ab") as file:
        file.write(b'{"key": "third", "tok')
    assert entries(path) == {"first": FIRST, "second": SECOND}
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line.replace(b"[1, 2, 3]", b"[1, 2, 4]"),
        lambda line: line.replace(b'"stop"', b'"length"'),
        lambda line: b"\xff" + line[1:],
        lambda line: json.dumps({"key": "first", "tokens": [9], "finish_reason": "stop"}).encode() + b"\n",
        lambda line: b"[]\n",
    ],
)
def test_damaged_line_is_as_if_it_had_never_been_written(path, damage):
    first, second = path.read_bytes().splitlines(keepends=True)
    assert damage(first) != first
    path.write_bytes(damage(first) + second)
    assert entries(path) == {"second": SECOND}
