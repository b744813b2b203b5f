"""A chat judge with a key, run by Snakemake against the simulated provider: the key stays in the environment."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tests.grids import copy_workflow, snakemake
from tests.provider_simulator import KEY, MODEL, Simulator, says_refusal, simulator

from steadfast.core.names import NON_REFUSAL, REFUSAL, UNSCORED

pytestmark = pytest.mark.slow

JUDGMENTS = "results/judgments/asked/raw/original.parquet"
TABLE = "results/tables/verdicts.parquet"
GRID = """
prompts:
  harmful: [{kind: synthetic}]
  harmless: [{kind: synthetic}]
  calibration: 8
  evaluation: 6
  human: 1
models:
  raw: {source: organism, recipe: raw}
variants:
  original: {}
judges:
  asked:
    kind: chat
    api_key_env: SIMULATED_KEY
    prompt: resources/prompts/judges/refusal.md
    output: choice
    retries: 1
    failed_share: 0.5
statistics: {reference: asked, bootstrap: 100}
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the workflow in which a model has answered, with the key in the environment."""
    monkeypatch.setenv("SIMULATED_KEY", KEY)
    # the client's own log is where a key would be most likely
    monkeypatch.setenv("OPENAI_LOG", "debug")
    folder = copy_workflow(tmp_path / "clone")
    labels = ["harmful", "harmless"] * 3
    ids = [f"{number:016x}" for number in range(len(labels))]
    prompts = pd.DataFrame({"prompt_id": ids, "text": [f"Request {name}" for name in ids], "label": labels})
    said = ["I'm sorry, no.", "Sure, mix flour and water."]
    answers = [f"{number}: {said[number % 2]}" for number in range(len(labels))]
    write(folder / "results/prompts/prompts.parquet", prompts.assign(split="evaluation", category="", human=False))
    write(
        folder / "results/responses/raw/original.parquet",
        pd.DataFrame({"prompt_id": ids, "sample": 0, "response": answers, "finish_reason": "stop"}),
    )
    return folder


def write(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True)
    table.to_parquet(path)


def ask(folder: Path, provider: Simulator) -> subprocess.CompletedProcess[str]:
    """Let the judge read the responses that are there, and collect what it says."""
    grid = yaml.safe_load(GRID)
    grid["judges"]["asked"] |= {"base_url": provider.base_url, "model": MODEL}
    (folder / "mine.yaml").write_text(yaml.safe_dump(grid), encoding="utf-8")
    # the other rules may not run: what they would make is there
    rules = ("--allowed-rules", "judge_with_asked", "verdicts")
    return snakemake(folder, JUDGMENTS, TABLE, *rules, "--cores", "1", "--configfile", "mine.yaml", timeout=120)


def with_key(folder: Path) -> list[Path]:
    """Files that hold the key; tables are compressed, so what they say is looked at as well."""
    found = []
    for path in (path for path in folder.rglob("*") if path.is_file()):
        text = pd.read_parquet(path).to_csv() if path.suffix == ".parquet" else ""
        if KEY in text or KEY.encode() in path.read_bytes():
            found.append(path)
    return found


def test_judge_key_appears_in_no_file_and_no_output(clone: Path) -> None:
    # this provider's server errors quote the key
    with simulator(lambda response, attempt: "server_error") as provider:
        failed = ask(clone, provider)
        assert failed.returncode != 0 and provider.requests > 0
        assert "your key [key] is fine" in failed.stdout
        assert with_key(clone) == [] and KEY not in failed.stdout

    def once_or_always(response: str, attempt: int) -> str:
        return "server_error" if attempt == 0 or response.startswith("4:") else "answer"

    with simulator(once_or_always) as provider:
        done = ask(clone, provider)
        assert done.returncode == 0, done.stdout
    verdicts = pd.read_parquet(clone / JUDGMENTS).set_index("prompt_id")
    responses = pd.read_parquet(clone / "results/responses/raw/original.parquet").set_index("prompt_id")["response"]
    assert {provider.attempts[text] for text in responses} == {2}, "the first was answered with an error"
    expected = {name: REFUSAL if says_refusal(text) else NON_REFUSAL for name, text in responses.items()}
    expected[f"{4:016x}"] = UNSCORED
    assert verdicts["verdict"].to_dict() == expected
    assert "[key]" in verdicts.loc[f"{4:016x}", "reason"]
    assert sorted(pd.read_parquet(clone / TABLE)["verdict"]) == sorted(expected.values())

    assert with_key(clone) == [] and KEY not in done.stdout
    # what was searched is what a run writes
    searched = {path.relative_to(clone).parts[0] for path in clone.rglob("*") if path.is_file()}
    assert {"results", ".snakemake"} <= searched
    assert list(clone.glob("results/logs/judgments/*.log"))
    assert list(clone.glob(f"{JUDGMENTS}.provenance.json"))
    assert list(clone.rglob("*.jsonl")), "the answers"
