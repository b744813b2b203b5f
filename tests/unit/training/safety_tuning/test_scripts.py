"""The two scripts, through a stand-in for Snakemake's object."""

import json
import os
import re
import runpy
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake.iocontainers import Namedlist
from tests.unit.training.safety_tuning.conftest import PHRASES

from steadfast.training.safety_tuning.distillation import OwnAnswer, write_answers
from steadfast.training.safety_tuning.jobs import load_training_data

SCRIPTS = Path(__file__).parents[4] / "workflow" / "scripts"


def named(items: Mapping[str, Any] | list[Any], *, flat: bool = True) -> Namedlist:
    """What Snakemake makes of a rule's inputs, outputs or (not flat) params."""
    result: Namedlist = Namedlist()
    for name, value in items.items() if isinstance(items, Mapping) else ((None, item) for item in items):
        start = len(result)
        if flat and isinstance(value, list):
            result.extend(value)
            result._set_name(name, start, end=len(result))
        else:
            result.append(value)
            if name:
                result._add_name(name)
    return result


def run(name: str, *, inputs: Any, outputs: Any, params: Mapping[str, Any]) -> None:
    """Run a script as its rule would; the log is under ``logs``."""
    snakemake = SimpleNamespace(
        input=named(inputs),
        output=named(outputs),
        params=named(params, flat=False),
        resources=named({}),
        log=named([f"logs/{name}.log"]),
        threads=1,
        rule=name,
    )
    runpy.run_path(str(SCRIPTS / f"{name}.py"), init_globals={"snakemake": snakemake})


@pytest.fixture
def folder(tmp_path):
    before = os.getcwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def test_the_base_answers_harmless_prompts(base, data_folder, folder):
    (folder / "prompts.csv").write_text("text\nboil an egg\n", encoding="utf-8")
    inputs = {"base": str(base), "apart_from": ["prompts.csv"], "phrases": str(PHRASES)}
    run(
        "distil_harmless_answers",
        inputs=inputs,
        outputs=["answers.jsonl"],
        params={"folder": str(data_folder), "dtype": "float32"},
    )
    prompts = [json.loads(line)["prompt"] for line in (folder / "answers.jsonl").read_text().splitlines()]
    assert not any("boil" in prompt for prompt in prompts)


def test_an_adapter_is_trained(base, data_folder, folder, capfd):
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
