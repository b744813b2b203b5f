"""Results that changed since they were made stop a run, and a summary that is not current is not shown."""

import os
import shlex
import shutil
from pathlib import Path

import pytest

from steadfast.core.integrity import content_hash
from steadfast.core.provenance import write_provenance
from steadfast.runs.verify import repair, verify

# the jobs are run
pytestmark = pytest.mark.slow

VERDICTS = "results/tables/verdicts.parquet"
RESPONSES = "results/responses/raw/original.parquet"


def flip_keeping_time(file: Path) -> None:
    before = file.stat()
    file.write_bytes(b"R" + file.read_bytes()[1:])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def recorded(finished, monkeypatch):
    """A finished tree in which two results have their record, as the real scripts write it."""
    monkeypatch.delenv("STEADFAST_COMMAND", raising=False)
    monkeypatch.chdir(finished.folder)
    write_provenance([VERDICTS], inputs={}, params={}, rule="verdicts", seconds=1.0)
    write_provenance([RESPONSES], inputs={}, params={}, rule="responses", seconds=1.0)
    return finished


def test_changed_result_stops_the_run_with_a_working_remedy(recorded):
    Path(VERDICTS).write_text("half")
    status, text = recorded.run()
    assert status == 1
    assert text.count("The run cannot start; no job was started.") == 1
    assert f"{VERDICTS} changed since it was made (by verdicts, " in text
    command = next(line for line in text.splitlines() if line.startswith("  rm -r "))
    removal, _, run = command.strip().partition(" && ")
    assert removal == f"rm -r {VERDICTS}"
    assert shlex.split(run)[-2:] == ["--configfile", "mine.yaml"] and "snakemake" in run
    os.remove(VERDICTS)
    status, text = recorded.run()
    assert status == 0, text
    assert Path(VERDICTS).read_text() == VERDICTS


def test_repaired_results_are_rebuilt_by_the_next_run(recorded):
    """Snakemake makes a missing file again only if something that is made from it is needed."""
    for path, source in ((VERDICTS, RESPONSES), ("results/report.html", VERDICTS)):
        write_provenance([path], inputs={source: content_hash(source)}, params={}, rule="x", seconds=1.0)
    flip_keeping_time(Path(RESPONSES))
    assert recorded.jobs() == set()
    assert len(repair(verify())) == 3
    status, text = recorded.run()
    assert status == 0, text
    assert verify().problems == {} and Path(RESPONSES).read_text() == RESPONSES


def test_copied_results_with_new_mtimes_are_accepted(recorded, tmp_path):
    shutil.copytree(recorded.folder, tmp_path / "copy", copy_function=shutil.copyfile)
    recorded.folder = tmp_path / "copy"
    status, text = recorded.run()
    assert status == 0, text


def test_partial_target_shows_no_earlier_summary(recorded):
    os.remove("results/tables/agreement.csv")
    status, text = recorded.run("--", "results/tables/agreement.csv")
    assert status == 0 and "done" in text, text
    assert "results/summary.txt" not in text and "Report:" not in text
    os.remove("results/report.html")
    status, text = recorded.run()
    assert status == 0
    assert text.count("results/summary.txt\n") == 1 and text.count("Report: results/report.html") == 1
