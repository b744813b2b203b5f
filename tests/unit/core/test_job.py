"""What every script does around its work, seen from outside the process that runs it."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from steadfast.core import job
from steadfast.core.provenance import write_provenance

SCRIPTS = Path(job.__file__).parents[2]
PREAMBLE = """
import os, subprocess, sys
from pathlib import Path
from types import SimpleNamespace
from steadfast.core.errors import ConfigError, DataError
from steadfast.core.job import run_job

snakemake = SimpleNamespace(
    input=["input.txt", "missing.txt"], output=["out/output.txt"], params={"seed": 1}, log=["logs/deep/job.log"],
    resources={}, threads=2, rule="some_rule",
)
"""


@pytest.fixture
def run(tmp_path):
    """Run the body of a job in a process of its own; returns what came out on its terminal."""
    (tmp_path / "input.txt").write_text("1")
    (tmp_path / "out").mkdir()

    def run(body: str, after: str = "") -> subprocess.CompletedProcess[str]:
        code = PREAMBLE + "with run_job(snakemake):\n" + textwrap.indent(textwrap.dedent(body), "    ")
        environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), "STEADFAST_COMMAND": "make run"}
        return subprocess.run(
            [sys.executable, "-c", code + "\n" + textwrap.dedent(after)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )

    run.log = tmp_path / "logs" / "deep" / "job.log"
    run.output = tmp_path / "out" / "output.txt"
    run.sidecar = tmp_path / "out" / "output.txt.provenance.json"
    return run


def test_everything_printed_goes_to_the_log(run):
    done = run("""
        print("from Python")
        print("from standard error", file=sys.stderr)
        os.write(1, b"from C\\n")
        subprocess.run(["sh", "-c", "echo from a subprocess; echo and its errors >&2"])
        Path("out/output.txt").write_text("2")
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    log = run.log.read_text()
    for line in ("from Python", "from standard error", "from C", "from a subprocess", "and its errors"):
        assert f"{line}\n" in log


def test_existing_logging_handlers_write_to_the_log(run):
    done = run("""
        import logging, warnings
        logging.getLogger("x").warning("a logged warning")
        warnings.warn("a Python warning")
        Path("out/output.txt").write_text("2")
    """)
    assert (done.stdout, done.stderr) == ("", "")
    assert "a logged warning" in run.log.read_text()
    assert "a Python warning" in run.log.read_text()


def test_output_returns_to_the_terminal_after_the_job(run):
    done = run("Path('out/output.txt').write_text('2')", after="print('back'); print('errors', file=sys.stderr)")
    assert (done.stdout, done.stderr) == ("back\n", "errors\n")
    assert run.log.read_text() == ""


def test_new_run_replaces_the_old_log(run):
    run("print('old and rather long'); Path('out/output.txt').write_text('2')")
    run("print('new'); Path('out/output.txt').write_text('2')")
    assert run.log.read_text() == "new\n"


def test_successful_job_writes_provenance_of_its_existing_inputs(run):
    run("Path('out/output.txt').write_text('2')")
    found = json.loads(run.sidecar.read_text())
    assert list(found["inputs"]) == ["input.txt"]
    assert found["params"] == {"seed": 1}
    assert found["rule"] == "some_rule"


@pytest.mark.parametrize("kind", ["ConfigError", "DataError"])
def test_error_for_user_is_one_line_and_no_traceback(run, kind):
    done = run(f"""
        print("working")
        raise {kind}("the file x has no column y")
    """)
    assert done.returncode == 1
    assert (done.stdout, done.stderr) == ("", "")
    assert run.log.read_text() == "working\nerror: the file x has no column y\n"
    assert not run.sidecar.exists()


def test_unexpected_error_logs_its_traceback(run):
    done = run("""
        def deep():
            return 1 / 0
        deep()
    """)
    assert done.returncode == 1
    log = run.log.read_text()
    assert "Traceback (most recent call last)" in log
    assert "in deep" in log
    assert log.rstrip().endswith("ZeroDivisionError: division by zero")
    assert (done.stdout, done.stderr) == ("", "")
    assert not run.sidecar.exists()


@pytest.mark.parametrize(("status", "text"), [(3, "sys.exit(3)"), (0, "sys.exit(0)")])
def test_a_script_that_exits_writes_no_provenance(run, status, text):
    done = run(text)
    assert done.returncode == status
    assert not run.sidecar.exists()


def test_log_keeps_non_ascii_error_messages(run):
    run("raise DataError('Präfix ‖r‖ – 問題')")
    assert run.log.read_text() == "error: Präfix ‖r‖ – 問題\n"


def test_missing_output_fails_the_job(run):
    done = run("pass")
    assert done.returncode == 1
    assert "out/output.txt" in run.log.read_text()


def test_changed_input_stops_the_job_before_it_starts(run):
    body = """
        Path("worked").touch()
        Path("out/output.txt").write_text("2")
    """
    worked, given = run.output.parents[1] / "worked", run.output.parents[1] / "input.txt"
    write_provenance([given], inputs={}, params={}, rule="earlier", seconds=1.0)
    assert run(body).returncode == 0
    worked.unlink()
    given.write_text("4")
    assert run(body).returncode == 1
    assert not worked.exists()
    first, *_, last = run.log.read_text().splitlines()
    assert first.startswith("error: input.txt changed since it was made (by earlier, ")
    assert last == "  rm -r input.txt && make run"


def test_input_changed_during_the_job_prevents_provenance(run):
    done = run("""
        Path("input.txt").write_text("changed")
        Path("out/output.txt").write_text("2")
    """)
    assert done.returncode == 1
    assert run.log.read_text().startswith("error: input.txt changed while this step was reading it: has 7 bytes")
    assert not run.sidecar.exists()


def test_only_temporary_files_of_a_killed_job_are_removed(run):
    folder = run.output.parent
    for name in (".output.txt.abcd_123.txt", ".output.txt.provenance.json.abcd1234.json", ".output.txt.old.abcd1234"):
        (folder / name).touch()
    kept = {".output.txt.journal.jsonl", ".other.txt.abcd1234.txt", ".output.txt.note"}
    for name in kept:
        (folder / name).touch()
    run("Path('out/output.txt').write_text('2')")
    assert {file.name for file in folder.iterdir()} == {*kept, "output.txt", "output.txt.provenance.json"}


def test_failed_job_removes_the_old_provenance_record(run):
    run("Path('out/output.txt').write_text('2')")
    assert run.sidecar.exists()
    run("raise DataError('no')")
    assert not run.sidecar.exists()


def test_log_is_utf8_in_every_locale(run, monkeypatch):
    for name, value in {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}.items():
        monkeypatch.setenv(name, value)
    run("""
        print("10 \\u2192 0")
        print("caf\\udce9")
        raise DataError("\\u2016r\\u2016")
    """)
    assert run.log.read_text(encoding="utf-8") == "10 → 0\ncaf\\udce9\nerror: ‖r‖\n"
