"""What a user sees of a run: human-readable steps, the cause of a failure, and how to go on."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.workflow.conftest import environment

ROOT = Path(__file__).parents[2]
FAILING = """
from steadfast.core.errors import DataError
from steadfast.core.job import run_job

with run_job(snakemake):
    print("phrasing 3 of 12")
    raise DataError("world.yaml: the category 'theft' has no verbs")
"""
SHORT = """
import os, time
from pathlib import Path

Path(snakemake.log[0]).write_text("prompts: 3/10")
os.system("echo from a library >&2")
time.sleep(2.5)
for path in map(Path, snakemake.output):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
"""
SLEEPING = """
import time

open("began", "w").close()
time.sleep(300)
"""


def replace(tree, script: str, text: str) -> None:
    (tree.folder / "workflow" / "scripts" / script).write_text(text, encoding="utf-8")


def test_dry_run_lists_steps_and_reasons(fresh):
    status, text = fresh.dry_run()
    assert status == 0
    lines = text.splitlines()
    assert "2 models × 3 variants × 5 judges" in lines
    for step in (
        "raw: train the model",
        "raw, abliterated: edit the weights",
        "score0, 3 variants: generate responses",
        "judge regex: judge the responses of all 6 model–variant pairs",
        "judge self: judge the responses of raw, 3 variants",
    ):
        assert f"  {'no result yet':<30}  {step}" in lines
    assert max(map(len, lines)) < 130
    assert "jobid" not in text and "results/responses" not in text


def test_run_prints_its_outlook_before_the_first_step(fresh):
    status, text = fresh.run()
    assert status == 0, text
    assert "  start   " not in text
    before, _, steps = text.partition("  done    ")
    outlook = [
        line.split(maxsplit=1)
        for line in before.splitlines()
        if line.startswith("  ") and not line.strip()[0].isdigit()
    ]
    assert [what for what, _ in outlook] == ["disk", "memory", "time"]
    assert outlook[2][1].endswith("on 2 cores, by the sizes of the models; the estimate improves as steps end")
    assert re.search(r"^ +0:0\d:\d\d +\d+% +\d+ (s|min) left  done    ", steps, re.M)
    *_, last, ending = [line for line in steps.splitlines() if "done" in line]
    assert re.match(r" +0:0\d:\d\d +100% +done    ", last)
    assert re.fullmatch(rf"{text.count('  done    ')} steps done in \d+ (s|min)", ending)


@pytest.mark.slow
def test_terminal_shows_one_status_without_a_line_per_step(fresh):
    """Also through the logger plugin that the profile registers, which is what draws the status."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    replace(fresh, "build_prompts.py", SHORT)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "mine.yaml"]
    with subprocess.Popen(
        [*command, "--", "results/prompts/prompts.parquet"],
        cwd=fresh.folder,
        env={**environment(fresh.folder), "TERM": "xterm", "NO_COLOR": "1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as run:
        os.close(theirs)
        raw = b""
        with suppress(OSError):
            while chunk := os.read(ours, 65536):
                raw += chunk
    os.close(ours)
    text = raw.decode()
    assert run.returncode == 0, text
    assert "0 of 1 step done" in text and "3/10" in text and "from a library" in text
    assert "  done    " not in text
    assert text.rstrip().splitlines()[-1].startswith("Complete log(s)")
    assert "1 step done in " in text and "Written: results/prompts/" in text


@pytest.mark.slow
def test_make_reports_the_cause_of_a_failure_and_fails(fresh):
    """One model and nothing else: its failure leaves nothing to run."""
    replace(fresh, "train_organism.py", FAILING)
    fresh.put("models", {"raw": {"source": "organism", "recipe": "raw"}})
    fresh.put("judges", {"grammar": {"kind": "grammar"}})
    done = subprocess.run(
        [
            "make",
            "-f",
            str(ROOT / "Makefile"),
            "-o",
            ".venv/base",
            f"RUN='{sys.executable}'",
            "run",
            "CONFIG=mine.yaml",
        ],
        cwd=fresh.folder,
        env=environment(fresh.folder),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode != 0
    assert "raw: train the model: world.yaml: the category 'theft' has no verbs" in done.stdout
    _, _, ending = done.stdout.partition("steps failed, and ")
    assert "  cause: world.yaml: the category 'theft' has no verbs\n" in ending
    assert "  log:   results/logs/models/raw.log\n         | phrasing 3 of 12\n" in ending
    assert "resume with:\n  make run " in ending and "CONFIG=mine.yaml" in ending
    assert "Traceback" not in done.stdout


@pytest.mark.slow
def test_interrupted_run_says_how_to_resume(fresh):
    replace(fresh, "train_organism.py", SLEEPING)
    with subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "mine.yaml"],
        cwd=fresh.folder,
        env=environment(fresh.folder),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # a suite that a shell has put into the background ignores the signal, and so would this run
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as run:
        while not (fresh.folder / "began").exists():
            assert run.poll() is None
            time.sleep(0.1)
        os.killpg(run.pid, signal.SIGINT)
        text, _ = run.communicate()
    assert run.returncode != 0
    assert "Interrupted: " in text and "FAILED" not in text
    assert text.partition("To resume:\n")[2].splitlines()[0].endswith(" -m snakemake --cores 1 --configfile mine.yaml")
