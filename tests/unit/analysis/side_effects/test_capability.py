"""Tasks of the lm-evaluation-harness."""

import json

import pytest
from tests.unit.analysis.side_effects.conftest import subject_of
from tests.unit.config.conftest import config, in_the_repository

from steadfast.analysis.side_effects.weights import capability
from steadfast.config.checks import prepare
from steadfast.core.errors import ConfigError
from steadfast.grid import paths
from steadfast.grid.grid import Grid
from steadfast.grid.side_effects import Measures
from steadfast.runs.preflight import check_before_run

__all__ = ["config", "in_the_repository"]
TASK = """
task: words
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
output_type: multiple_choice
test_split: test
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: answer
metric_list:
  - {{metric: acc, aggregation: mean, higher_is_better: true}}
"""


def test_task_scores_are_kept_per_document_with_higher_better():
    samples = {
        "quiz": [
            {"doc_id": 0, "metrics": ["acc", "ppl"], "acc": 1.0, "ppl": (-3.0, 2), "filter": "none"},
            {"doc_id": 1, "metrics": ["acc"], "acc": False, "filter": "none"},
        ],
        "spelling": [{"doc_id": 4, "metrics": ["errors"], "errors": 3, "filter": "strict"}],
    }
    found = capability.scores_of(samples, {"quiz": {"acc": True}, "spelling": {"errors": False}})
    assert found == {("quiz: acc", "0"): 1.0, ("quiz: acc", "1"): 0.0, ("spelling: errors (strict)", "4"): -3.0}


def test_capability_tasks_enable_the_measure_and_its_environment(config, tmp_path):
    assert Measures(Grid(prepare(config))).environment == "base"
    (tmp_path / "words.yaml").write_text("task: words\n")
    config["capability"] = {"tasks": ["words"], "include_path": str(tmp_path), "limit": 3}
    grid = Grid(prepare(config))
    assert Measures(grid).of_weights["capability"]["limit"] == 3
    assert Measures(grid).environment == "capability"
    assert str(tmp_path / "words.yaml") in Measures(grid).files


def test_include_path_without_tasks_is_rejected(config, tmp_path):
    config["capability"] = {"include_path": str(tmp_path)}
    with pytest.raises(ConfigError, match=r"capability\.include_path: has no effect"):
        prepare(config)


def test_missing_harness_is_reported_before_the_run(config, monkeypatch):
    config["capability"] = {"tasks": ["arc_easy"]}
    grid = Grid(prepare(config))
    monkeypatch.setattr(capability, "find_spec", lambda name: None)
    outputs = paths.SCORES.of(grid.pairs)
    with pytest.raises(ConfigError, match=r"capability\.tasks: .*make capability"):
        check_before_run(grid, outputs)
    check_before_run(grid, outputs, conda=True)
    check_before_run(grid, ["results/tables/counts.csv"])


def test_local_task_runs_on_local_data(tmp_path, lively, table, responses, monkeypatch):
    pytest.importorskip("lm_eval", reason="the harness is not installed: make capability")
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    rows = [{"question": f"w{index}", "choices": ["w1", "w2 w3"], "answer": index % 2} for index in range(6)]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "words.yaml").write_text(TASK.format(data=tmp_path / "data.jsonl"))
    original = subject_of("original", lively, table, responses)
    measure = capability.build(capability.Settings(tasks=["words"], include_path=str(tmp_path), limit=4))
    scores = measure.score(original, measure.reference(original, []))
    assert [(score.scope, score.item) for score in scores] == [("words: acc", str(index)) for index in range(4)]
    assert {score.value for score in scores} <= {0.0, 1.0}
    assert [score.value for score in scores] == [score.original for score in scores]
