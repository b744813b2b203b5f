"""Tasks of the lm-evaluation-harness in a grid: one tiny model as it is, abliterated, and edited at random."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tests.grids import snakemake

pytestmark = pytest.mark.slow

SMALL = Path(__file__).with_name("small_grid.yaml")
VARIANTS = ["original", "abliterated", "random"]
TASK = """
task: own_words
dataset_path: json
dataset_kwargs: {data_files: {test: tasks/own_words.jsonl}}
output_type: multiple_choice
test_split: test
doc_to_text: "{{question}}"
doc_to_choice: "{{choices}}"
doc_to_target: 0
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
"""


@pytest.fixture
def harness():
    """The harness; where it is missing, no grid is made for it."""
    return pytest.importorskip("lm_eval", reason="the harness is not installed: make capability")


@pytest.fixture
def grid(harness, request, tmp_path, monkeypatch):
    """The small grid, and its configuration for one of its models and the judges that need no weights."""
    # the task's data lie here; nothing is to be looked for elsewhere
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = shutil.copytree(request.getfixturevalue("finished_grid"), tmp_path / "clone")
    config = yaml.safe_load(SMALL.read_text(encoding="utf-8"))
    config["models"] = {"combined": config["models"]["combined"] | {"group": None}}
    config["judges"] = {name: config["judges"][name] for name in ("grammar", "regex")}
    return folder, config


def make(folder: Path, config: dict, *targets: str) -> None:
    (folder / "mine.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    done = snakemake(folder, *targets, "--cores", "2", "--configfile", "mine.yaml")
    assert done.returncode == 0, done.stdout


def write_task(folder: Path) -> None:
    """Ask a model which of two answers it would give: the original's own, or the abliterated model's."""
    tables = {
        name: pd.read_parquet(folder / f"results/responses/combined/{name}.parquet").set_index("prompt_id")["response"]
        for name in VARIANTS[:2]
    }
    prompts = pd.read_parquet(folder / "results/prompts/prompts.parquet").set_index("prompt_id")["text"]
    answers = pd.DataFrame(tables).query("original != abliterated")
    rows = [{"question": prompts[prompt], "choices": [own, other]} for prompt, own, other in answers.itertuples()]
    (folder / "tasks").mkdir()
    (folder / "tasks" / "own_words.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "tasks" / "own_words.yaml").write_text(TASK, encoding="utf-8")


def test_capability_task_runs_on_the_edited_weights(grid):
    folder, config = grid
    make(folder, config, *(f"results/responses/combined/{name}.parquet" for name in VARIANTS[:2]))
    write_task(folder)
    config["capability"] = {"tasks": ["own_words"], "include_path": "tasks", "chat_template": True}
    make(folder, config, "results/tables/side_effects.csv")
    effects = pd.read_csv(folder / "results/tables/side_effects.csv").set_index(["measure", "variant"])
    scores = effects.loc["capability"]
    assert list(scores.index) == VARIANTS and set(scores["scope"]) == {"own_words: acc"}
    assert (scores["items"] > 5).all()
    assert scores.loc["original", "value"] > 0.8
    assert scores.loc["abliterated", "change_high"] < 0
    assert abs(scores.loc["random", "change"]) < abs(scores.loc["abliterated", "change"])
