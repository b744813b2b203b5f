"""What a run shows at its end depends on what was asked for."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from steadfast.grid.paths import ANNOTATION_PAGE as PAGE
from steadfast.grid.paths import REPORT, SUMMARY
from steadfast.runs.workflow import closing_words


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """Results of an earlier run."""
    monkeypatch.chdir(tmp_path)
    Path("results/annotation").mkdir(parents=True)
    for file in (REPORT, PAGE, "results/annotation/key.parquet"):
        Path(file).write_text("made")
    Path(SUMMARY).write_text("10 → 2 refusals\n")


def words_of(*targets) -> list[str]:
    jobs = [SimpleNamespace(input=inputs, output=outputs) for inputs, outputs in targets]
    return list(closing_words(SimpleNamespace(dag=SimpleNamespace(targetjobs=jobs))))


def test_complete_run_shows_summary_and_report():
    assert words_of(([SUMMARY, REPORT, "results/tables/counts.csv"], [])) == ["10 → 2 refusals", f"Report: {REPORT}"]


def test_annotation_target_shows_only_the_page_path():
    assert words_of(([SUMMARY], [PAGE, "results/annotation/key.parquet"])) == [f"Annotation page: {PAGE}"]


def test_other_target_lists_its_files():
    files = [f"results/models/{number}" for number in range(7)]
    assert words_of(([SUMMARY], files)) == [f"Written: {', '.join(files[:5])} and 2 more"]


def test_collecting_target_shows_nothing():
    assert words_of((["results/tables/counts.csv"], [])) == []
