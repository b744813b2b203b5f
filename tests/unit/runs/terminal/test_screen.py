"""A terminal gets one block that is drawn over, and whatever else is printed comes above it."""

import io
import os
import pty
import subprocess
import sys
import termios
import threading
import time

import pytest
from rich.console import Console

from steadfast.runs.terminal.pace import Position
from steadfast.runs.terminal.screen import Lines, Terminal, screen_for
from steadfast.runs.terminal.status import RunningStep, brief, render

SCRIPTS = os.path.join(os.path.dirname(__file__), *[".."] * 4, "workflow", "scripts")
ROWS = [
    RunningStep("smol, abliterated: generate responses", 45, "responses: 3/10, 5 tokens/s, 90 s left"),
    RunningStep("écris 猫", 3),
]
AT = Position(done=12, total=32, share=0.414, gone=46, left=48)


def drawn(width: int, height: int = 24, rows=ROWS, at=AT, encoding: str = "utf-8") -> list[str]:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    console = Console(file=file, width=width, height=height, force_terminal=False, color_system=None)
    console.print(render(rows, at, console))
    file.flush()
    return file.buffer.getvalue().decode(encoding).splitlines()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_status_block_fits_the_terminal_width(width):
    lines = drawn(width)
    assert len(lines) == 3 and max(map(len, lines)) <= width
    assert "45 s" in lines[0] and "41%" in lines[-1] and "48 s left" in lines[-1]
    assert ("12 of 32 steps done" in lines[-1]) and ("3/10" in lines[0]) == (width > 60)
    assert ("5 tokens/s" in lines[0]) == (width == 120)


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("side effects: 7/40 (abliterated, perplexity); prompts: 12/50, 512 tokens/s, 3 min left", "7/40, 3 min left"),
        ("download: 1,024/2,048 MiB, 12.0 MiB/s, 85 s left", "1,024/2,048 MiB, 85 s left"),
        ("loading the model", "loading the model"),
    ],
)
def test_brief_note_keeps_count_and_time_left(note, expected):
    assert brief(note) == expected


def test_steps_beyond_the_height_are_counted():
    lines = drawn(80, height=8, rows=[RunningStep(f"step {number}", 1) for number in range(30)])
    assert [line.strip() for line in lines[3:-1]] == ["and 27 steps more"] and len(lines) == 5
    assert len(drawn(80, height=3, rows=ROWS)) == 1


def test_terminal_without_unicode_gets_ascii():
    text = "\n".join(drawn(80, encoding="ascii"))
    assert text.isascii() and "generate responses" in text and "----" in text


def test_progress_without_forecast_counts_steps():
    assert drawn(80, at=Position(1, 2, 0.5, 10, None))[-1].split()[-1] == "50%"


PROGRAM = """
import os, sys, time
from steadfast.runs.terminal.pace import Position
from steadfast.runs.terminal.screen import screen_for
from steadfast.runs.terminal.status import RunningStep

screen = screen_for(sys.stderr, colors=True)
screen.write("title")
for done in range(3):
    screen.show([RunningStep(f"running {done}", 1.0)], Position(done, 3, done / 3, 1.0, 2.0))
    if done == 1:
        screen.write("a warning", "yellow")
        os.system("echo from a job; echo from its stderr >&2")
        print("from Python", flush=True)
        time.sleep(0.2)
    if "wait" in sys.argv:
        print("ready", flush=True)
        time.sleep(60)
screen.end()
print("summary")
"""


def on_a_terminal(*arguments: str, kill: bool = False, **environment: str) -> str:
    """What a program writes on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": SCRIPTS, "TERM": "xterm-256color", **environment},
    )
    os.close(theirs)
    received: list[bytes] = []

    def read() -> None:
        try:
            while chunk := os.read(ours, 65536):
                received.append(chunk)
        except OSError:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    deadline = time.monotonic() + 30
    while kill and b"ready" not in b"".join(received) and time.monotonic() < deadline:
        time.sleep(0.05)
    if kill:
        process.kill()
    assert process.wait(timeout=30) == (-9 if kill else 0)
    reader.join(timeout=30)
    os.close(ours)
    return b"".join(received).decode()


def shown_at_the_end(text: str) -> list[str]:
    """Lines on the screen after everything was written, by the few control sequences that are used."""
    lines, row = [""], 0
    for part in text.replace("\r\n", "\n").replace("\x1b[", "\n\x1b[").split("\n\x1b["):
        number, letter, rest = "", "", part
        if part is not text and lines:
            digits = len(part) - len(part.lstrip("0123456789;?"))
            number, letter, rest = part[:digits], part[digits : digits + 1], part[digits + 1 :]
        if letter == "A":
            row -= int(number or 1)
        elif letter == "K":
            lines[row] = ""
        elif letter not in ("m", "h", "l", ""):
            rest = part
        for index, piece in enumerate(rest.split("\n")):
            if index:
                row += 1
            while len(lines) <= row:
                lines.append("")
            lines[row] += piece.replace("\r", "")
    return [line for line in lines if line.strip()]


def test_printed_lines_stay_above_the_removed_status_block():
    text = on_a_terminal()
    assert shown_at_the_end(text) == [
        "title",
        "a warning",
        "from a job",
        "from its stderr",
        "from Python",
        "summary",
    ]
    assert "running 2" in text and "2 of 3 steps done" in text


def test_killed_run_leaves_the_cursor_visible():
    text = on_a_terminal("wait", kill=True)
    assert "running 0" in text and "\x1b[?25l" not in text


def test_no_color_variable_is_respected():
    assert "\x1b[33m" in on_a_terminal() and "\x1b[33m" not in on_a_terminal(NO_COLOR="1")


def test_pipes_and_dumb_terminals_get_plain_lines(monkeypatch):
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setenv("TERM", "xterm")
        assert isinstance(screen_for(terminal, colors=True), Terminal)
        monkeypatch.setenv("TERM", "dumb")
        assert isinstance(screen_for(terminal, colors=True), Lines)
    os.close(ours)
    assert isinstance(screen_for(io.StringIO(), colors=True), Lines)


def test_closed_pipe_does_not_end_the_run():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    Lines(Gone()).write("nobody reads this")
