"""The two scripts, through a stand-in for Snakemake's object."""

import json
import os
import re
from typing import Any

import pytest
from snakemake.iocontainers import Namedlist
from tests.real_jobs import Job, Named
from tests.unit.training.safety_tuning.conftest import PHRASES

from steadfast.training.safety_tuning.distillation import OwnAnswer, write_answers
from steadfast.training.safety_tuning.jobs import load_training_data


def run(script: str, *, inputs: dict[str, Any], outputs: list[str], params: dict[str, Any]) -> None:
    """Run a script as its rule would; the log is under ``logs``."""
    given: Namedlist = Namedlist()
    for name, value in inputs.items():
        start = len(given)
        given.extend(value if isinstance(value, list) else [value])
        given._set_name(name, start, end=len(given) if isinstance(value, list) else None)
    Job(script, {}, f"{script}.py", given, outputs, Named(params), {}, [f"logs/{script}.log"]).run()


@pytest.fixture
def folder(tmp_path):
    before = os.getcwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def test_distillation_script_answers_harmless_prompts(base, data_folder, folder):
    (folder / "prompts.csv").write_text("text\nboil an egg\n", encoding="utf-8")
    inputs = {"base": str(base), "apart_from": ["prompts.csv"], "phrases": str(PHRASES)}
    run(
        "distill_harmless_responses",
        inputs=inputs,
        outputs=["answers.jsonl"],
        params={"folder": str(data_folder), "dtype": "float32"},
    )
    prompts = [json.loads(line)["prompt"] for line in (folder / "answers.jsonl").read_text().splitlines()]
    assert not any("boil" in prompt for prompt in prompts)


def test_training_script_writes_an_adapter(base, data_folder, folder, capfd):
    prompts = load_training_data(data_folder, []).harmless_prompts
    write_answers(folder / "answers.jsonl", [OwnAnswer(prompt.text, "abcdefgh", False) for prompt in prompts])
    run(
        "train_adapter",
        inputs={"base": str(base), "apart_from": [], "answers": "answers.jsonl"},
        outputs=["adapter"],
        params={"recipe": "metatags", "seed": "1", "folder": str(data_folder), "dtype": "float32"},
    )
    report = json.loads((folder / "adapter" / "training.json").read_text())
    assert (report["recipe"], report["seed"]) == ("metatags", 1)
    (line,) = [line for line in capfd.readouterr().out.splitlines() if line.startswith("training steps: ")]
    assert re.fullmatch(r"training steps: (\d+)/\1 \(loss \d+\.\d{3}\)(, [\d,]+ tokens/s)?, in \d+ s", line)
