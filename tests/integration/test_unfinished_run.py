"""A step that fails does not take the report with it: what exists is shown, and what is missing is named."""

import json
import re
import shutil

import pytest
from tests.integration.conftest import GridRun

pytestmark = pytest.mark.slow

REPORT = "report.html"


@pytest.fixture
def copy(finished_grid, tmp_path):
    """The small grid, finished, in a folder of its own."""
    return GridRun(shutil.copytree(finished_grid, tmp_path / "copy"))


def spoil(run, module, function):
    """Let a function of the package fail."""
    path = run.folder / "workflow" / "scripts" / "steadfast" / module
    text = path.read_text(encoding="utf-8")
    found = re.search(rf"^def {function}\(.*?\) -> [^\n]*:\n", text, re.S | re.M)
    broken = f'{found[0]}    raise KeyError("injected")\n'
    path.write_text(text.replace(found[0], broken), encoding="utf-8")
    return lambda: path.write_text(text, encoding="utf-8")


def page(run):
    """What the report shows: the data that its scripts read."""
    text = run.path(REPORT).read_text(encoding="utf-8")
    return json.loads(re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', text, re.S)[1])


def sections(run):
    return [section["id"] for section in page(run)["sections"]]


def test_failing_figure_leaves_the_rest_of_the_report(copy):
    mend = spoil(copy, "report/figures/kinds/conclusions.py", "draw")
    whole = sections(copy)
    done = copy.run()
    assert done.returncode == 1
    assert "Report of what was made, with what is missing: results/report.html" in done.stdout
    caution = page(copy)["cautions"][0]
    assert caution["title"] == "This run did not finish"
    assert "draw the figures: judges: KeyError: 'injected'" in caution["text"]
    assert "Not in this report: figures judges." in caution["text"]
    assert sections(copy) == whole
    assert "refusal_counts" in page(copy)["printed"]
    mend()
    done = copy.run()
    assert done.returncode == 0, done.stdout
    assert not [found for found in page(copy)["cautions"] if "did not finish" in found["title"]]


def test_failing_judge_leaves_the_others_in_the_report(copy):
    """The table of all verdicts is missing, as is all that follows; the report has tables of its own."""
    spoil(copy, "judges/kinds/regex.py", "build")
    done = copy.run()
    assert done.returncode == 1
    data = page(copy)
    text = data["cautions"][0]["text"]
    assert "KeyError: 'injected'" in text
    assert "12 of 42 cells of verdicts" in text
    assert "tables" in text and "assessment" in text and "robustness" not in text
    assert {"changes", "matrix", "judges", "controls"} <= set(sections(copy))
    assert "assessment" not in sections(copy)
    shown = next(found for found in data["sections"] if found["id"] == "changes")["blocks"]
    judges = next(option for option in shown[1]["options"] if option["title"] == "Judge")
    assert [choice["key"] for choice in judges["choices"]] == ["grammar", "tiny", "self", "label-only", "always-refuse"]


def test_outdated_tables_are_not_shown_as_current(copy):
    """Tables of an earlier run lie there; the steps that would make them again did not run."""
    spoil(copy, "analysis/tables/robustness.py", "robustness_table")
    done = copy.run()
    assert done.returncode == 1
    text = page(copy)["cautions"][0]["text"]
    for name in ("robustness", "conclusions", "assessment"):
        assert re.search(rf"tables [^;]*{name}", text), name
    assert "changes" not in sections(copy)
