"""Runs that are compared: two results folders that are there."""

import pytest

from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.grid.grid import Grid
from steadfast.grid.run_comparison import RunComparison


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "verdicts.parquet").touch()
    (tmp_path / "responses" / "m").mkdir(parents=True)
    (tmp_path / "responses" / "m" / "original.parquet").touch()
    return str(tmp_path)


def test_run_comparison_reads_both_results_folders(config, folder):
    config["compared_runs"] = {"before": folder, "after": "results"}
    runs = RunComparison(Grid(prepare(config)))
    assert runs.verdicts(None) == [f"{folder}/tables/verdicts.parquet", "results/tables/verdicts.parquet"]
    assert f"{folder}/responses/m/original.parquet" in runs.responses(None)


def test_compared_run_without_verdicts_is_rejected(config, folder, refused, tmp_path):
    config["compared_runs"] = {"before": folder, "after": str(tmp_path / "responses")}
    assert "compared_runs.after: " in (message := refused(config)) and "no tables/verdicts.parquet" in message
    config["compared_runs"] = {"before": folder}
    assert "compared_runs: names 1 results folders; two are compared" in refused(config)


def test_comparison_without_configured_runs_raises_with_an_example(config):
    with pytest.raises(ConfigError, match="compared_runs: names no results folders; for example"):
        RunComparison(Grid(prepare(config))).verdicts(None)
