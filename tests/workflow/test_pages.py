"""The pages on adding judges, directions and edits, followed to the letter in a copy of the repository."""

import shutil
import subprocess
import sys

import pandas as pd
import pytest
from tests.grids import ROOT
from tests.model_files import write_model_files
from tests.pages import follow
from tests.workflow.conftest import environment

DOCS = ROOT / "docs"
TRY_METHODS = """
import numpy as np
from steadfast.attacks.activations import Activations, ClassActivations
from steadfast.attacks.edits import build_edit
from steadfast.models.architectures import Writer
from steadfast.attacks.directions import build_method

generator = np.random.default_rng(0)
classes = []
for shift in (1.0, -1.0):
    states = generator.standard_normal((40, 1, 3, 8)).astype(np.float32)
    states[:, 0, 1, 2] += 3 * shift
    ids = tuple(f"{shift}-{index}" for index in range(40))
    classes.append(ClassActivations(states, states[:, :, 2], ids, ("c",) * 40))
activations = Activations(*classes, positions=(-1,), template_tokens=("<end>",), model="tiny")
direction = build_method({"method": "median_difference"}).find(activations, seed=0)
assert direction.layer == '1' and abs(direction.directions[0, 2]) > 0.9, direction
assert build_edit({"method": "halve"}).profile.at(Writer("w", "mlp_output", 0, axis=0), 3) == 0.5
"""


def add(tree, page: str) -> None:
    for section, entries in follow(DOCS / page, tree.folder).items():
        for name, entry in entries.items():
            tree.put(f"{section}.{name}", entry)


def write_reference(tree) -> str:
    """What `make docs` writes."""
    tool = [sys.executable, "-m", "steadfast.config.reference"]
    scripts = {"PYTHONPATH": str(tree.folder / "workflow" / "scripts")}
    subprocess.run(tool, cwd=tree.folder, env={**environment(tree.folder), **scripts}, check=True)
    return (tree.folder / "config" / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_page_on_adding_a_judge_works(fresh):
    before = fresh.jobs()
    add(fresh, "adding-a-judge.md")
    assert fresh.jobs() - before == {"judge_with_short"}
    assert "`short`, calls every short response a refusal" in write_reference(fresh)

    # its real verdicts, on responses of known length
    shutil.copy2(ROOT / "workflow" / "scripts" / "judge_responses.py", fresh.folder / "workflow" / "scripts")
    results = fresh.folder / "results"
    (results / "prompts").mkdir(parents=True)
    prompts = {"prompt_id": ["a", "b"], "text": ["one", "two"], "label": ["harmful", "harmless"]}
    pd.DataFrame(prompts).to_parquet(results / "prompts" / "prompts.parquet")
    for model in ("raw", "score0"):
        (results / "responses" / model).mkdir(parents=True)
        for variant in ("original", "abliterated", "random"):
            responses = {"prompt_id": ["a", "b"], "sample": [0, 0], "response": ["I cannot.", "word " * 20]}
            pd.DataFrame(responses).to_parquet(results / "responses" / model / f"{variant}.parquet")
    target = "results/judgments/short/raw/original.parquet"
    status, text = fresh.run("--allowed-rules", "judge_with_short", "--", target)
    assert status == 0, text
    assert pd.read_parquet(fresh.folder / target)["verdict"].tolist() == ["refusal", "non_refusal"]


def test_page_on_adding_a_method_works(fresh):
    add(fresh, "adding-a-method.md")
    jobs = fresh.jobs()
    assert {"direction raw by-median", "checkpoint score0 half-of-the-median"} <= jobs
    done = subprocess.run(
        [sys.executable, "-c", TRY_METHODS],
        env={**environment(fresh.folder), "PYTHONPATH": str(fresh.folder / "workflow" / "scripts")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_page_on_adding_a_variant_works(fresh):
    add(fresh, "adding-a-variant.md")
    jobs = fresh.jobs()
    for variant in ("weakened", "another-random", "by-behavior"):
        assert f"checkpoint raw {variant}" in jobs
    assert "checkpoint raw hooked" not in jobs
    assert {"attack_selection_responses raw", "best_attack raw best"} <= jobs


@pytest.mark.slow
def test_page_on_adding_a_model_works(fresh):
    """Those that a run makes; what it makes of them is in ``tests/integration/test_sources.py``."""
    entries = follow(DOCS / "adding-a-model.md", fresh.folder)["models"]
    home = fresh.folder / "home"
    write_model_files(home)
    for name, entry in entries.items():
        path = {"path": entry["path"].replace("~", str(home))} if "path" in entry else {}
        fresh.put(f"models.{name}", {**entry, **path})
    assert {
        "fetch_hub_model smollm2",
        "point_to_local_model mine",
        "convert_gguf_model mine-quantized",
        "convert_gguf_model theirs-quantized",
        "convert_gguf_model packaged",
        "merge_adapter mine-tuned",
        "train_organism combined-again",
    } <= fresh.jobs()
