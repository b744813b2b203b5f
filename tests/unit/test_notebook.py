"""docs/python-api.md, run to the letter: a tiny model in the place of the reader's, and a small results folder."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.pages import run_notebook
from tests.tiny_checkpoint import write_checkpoint

import steadfast
from steadfast.analysis.tables.collect import collect_verdicts
from steadfast.analysis.tables.robustness import robustness_table
from steadfast.attacks.directions import Direction
from steadfast.core.errors import DataError
from steadfast.core.files import write_table
from steadfast.judges.interface import cases_of, verdict_table

PAGE = Path(__file__).parents[2] / "docs" / "python-api.md"
VARIANTS = ("original", "abliterated")
REFUSED, ANSWERED = "I'm sorry, but I can't help with that.", "Here is what you asked for."


def write_results(folder: Path) -> Path:
    """The results of a grid of one model: what a run would write, with responses of known verdicts."""
    prompts = pd.DataFrame(
        {
            "prompt_id": ["h1", "h2", "n1"],
            "text": ["one", "two", "three"],
            "label": ["harmful", "harmful", "harmless"],
            "split": "evaluation",
            "human": False,
            "category": "c",
            "source": "test",
        }
    )
    write_table(folder / "prompts" / "prompts.parquet", prompts)
    judge = steadfast.build_judge({"kind": "regex", "patterns": "resources/prompts/judges/refusal_phrases.yaml"})
    cells = []
    for variant, texts in zip(VARIANTS, ([REFUSED, REFUSED, ANSWERED], [ANSWERED, REFUSED, ANSWERED]), strict=True):
        responses = pd.DataFrame({"prompt_id": prompts["prompt_id"], "sample": 0, "response": texts})
        responses = responses.assign(n_tokens=8, finish_reason="stop")
        write_table(folder / "responses" / "raw" / f"{variant}.parquet", responses)
        cases = cases_of(responses, prompts)
        file = folder / "judgments" / "regex" / "raw" / f"{variant}.parquet"
        write_table(file, verdict_table(cases, judge.judge(cases)))
        cells.append(("regex", "raw", variant, file))
    verdicts = collect_verdicts(cells, prompts)
    write_table(folder / "tables" / "verdicts.parquet", verdicts)
    write_table(folder / "tables" / "robustness.csv", robustness_table(verdicts))
    direction = Direction(np.eye(1, 8, dtype=np.float32), method="mean_difference", layer="1")
    (folder / "directions" / "raw").mkdir(parents=True)
    direction.save(folder / "directions" / "raw" / "abliterated.safetensors")
    return folder


def test_notebook_page_runs_and_prints_what_it_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_results(tmp_path / "results")
    write_checkpoint(tmp_path / "results" / "models" / "refusals")
    steps = run_notebook(PAGE)
    compared = [step for step in steps if step.shown is not None]
    assert len(steps) >= 10 and len(compared) >= 2
    for step in compared:
        assert step.printed == step.shown, step.code
    printed = "".join(step.printed for step in steps)
    assert "(1, 8) 1 -1" in printed  # the direction
    assert "True 4 " in printed  # the edit: two matrices in each of two blocks
    assert "abliterated    1\n" in printed  # the verdicts of the results


def test_read_results_joins_prompts_and_responses(tmp_path):
    results = steadfast.read_results(write_results(tmp_path / "results"))
    assert list(results.tables) == ["robustness", "verdicts"]
    assert results.responses.groupby("variant").size().to_dict() == {"abliterated": 3, "original": 3}
    row = results.verdicts.query("variant == 'abliterated' and prompt_id == 'h1'").iloc[0]
    assert (row["prompt"], row["response"], row["verdict"]) == ("one", ANSWERED, "non_refusal")
    (tmp_path / "results" / "responses" / "raw" / "original.parquet").unlink()
    unread = steadfast.read_results(tmp_path / "results").verdicts
    assert unread["response"].isna().sum() == 3 and unread["verdict"].notna().all()


def test_read_results_names_missing_parts(tmp_path):
    with pytest.raises(DataError, match="is not a results folder with tables; found: no such folder"):
        steadfast.read_results(tmp_path / "none")
    results = steadfast.read_results(write_results(tmp_path / "results"))
    with pytest.raises(DataError, match="no table 'robustnes'; did you mean 'robustness'"):
        results.tables["robustnes"]
    with pytest.raises(DataError, match=r"no direction raw/random; .*raw/abliterated"):
        results.direction("raw", "random")
